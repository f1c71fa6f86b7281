// No imports here: see page-types.ts.

/** How far `base` advances from one page to the next; it depends on the low four bits of the tag. */
export type StepOfTag = (tag: number) => number;

/** The steps of lists whose pages share one number, or none, and of those whose pages follow. */
export const ALIKE: StepOfTag = () => 0;
export const NEXT_PAGE: StepOfTag = () => 1;

/** Tags that differ in these bits may differ in their step. */
export const KIND_MASK = 15;
/** A tag that nobody has looked up yet. */
export const UNKNOWN = -1;
/** No page. */
export const NONE = -1;
