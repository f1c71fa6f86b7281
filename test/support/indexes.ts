import { writeIndexes } from "../../scripts/indexes.mjs";

/** A new leaf or format is found by the tests before anything was built. */
export default function setup(): void {
  writeIndexes();
}
