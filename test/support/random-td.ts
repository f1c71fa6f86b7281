import fc from "fast-check";
import { LAYOUTS, resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";

const PAGE_BYTES = { "4K": 4096, "2M": 2 ** 21 } as const;
/** Private memory that a host can hold, with room for the pages that `alternate` leaves out. */
const MEMORY_MAX = 14 * 2 ** 40;

export interface TdBounds {
  /** Most pages of the TD's page size. */
  readonly pages: number;
  /** Most pages that `alternate` scatters: each is a run of its own. */
  readonly scattered: number;
  readonly vcpus: number;
}

/** A whole number up to `most`, the small ones and the largest more often than chance has them. */
function upTo(most: number, least = 0): fc.Arbitrary<number> {
  const small = fc.integer({ min: least, max: Math.min(most, least + 4) });
  const middling = fc.integer({ min: least, max: Math.min(most, least + 3000) });
  return fc.oneof(small, middling, fc.integer({ min: least, max: most }), fc.constant(most));
}

/** Options of TDs that a host can hold: any size, shape, layout and topology within the bounds. */
export function randomTd(bounds: TdBounds): fc.Arbitrary<TdOptions> {
  const shapes = fc.constantFrom(
    ...(["4K", "2M"] as const).flatMap((pageSize) =>
      LAYOUTS.map((layout) => ({ pageSize, layout })),
    ),
  );
  return shapes.chain(({ pageSize, layout }) => {
    const held = Math.floor(MEMORY_MAX / PAGE_BYTES[pageSize]);
    const most = Math.min(held, layout === "alternate" ? bounds.scattered : bounds.pages);
    return sizes(most).chain(([memory, populated, image]) =>
      fc
        .record({
          vcpus: upTo(bounds.vcpus, 1),
          packages: fc.integer({ min: 1, max: 8 }),
          spareLps: fc.option(fc.nat(40), { nil: null }),
        })
        .map(({ vcpus, packages, spareLps }) =>
          resolveTdOptions({
            pageSize,
            layout,
            vcpus,
            packages,
            lps: spareLps === null ? null : packages + spareLps,
            memoryBytes: memory * PAGE_BYTES[pageSize],
            populatedBytes: populated * PAGE_BYTES[pageSize],
            initialImageBytes: image * PAGE_BYTES[pageSize],
          }),
        ),
    );
  });
}

/** Pages of memory, how many of them are populated, and how many of those are the image. */
function sizes(most: number): fc.Arbitrary<[number, number, number]> {
  return upTo(most, 1)
    .chain((memory) => fc.tuple(fc.constant(memory), upTo(memory)))
    .chain(([memory, populated]) =>
      fc.tuple(fc.constant(memory), fc.constant(populated), upTo(Math.min(populated, 2000))),
    );
}
