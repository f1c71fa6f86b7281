import type { Leaf } from "../leaf.ts";
import { SUCCESS } from "../status.ts";

/** ABI 7, TDH.MNG.KEY.RECLAIMID: does nothing and looks at nothing; kept for old callers. */
export const tdhMngKeyReclaimid: Leaf = {
  name: "TDH.MNG.KEY.RECLAIMID",
  number: 27,
  maxVersion: 0,
  refusals: () => ({ statuses: [] }),

  run: () => SUCCESS,
};
