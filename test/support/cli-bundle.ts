import { bundleCli } from "../../scripts/bundle.mjs";

/** Builds dist/cli.cjs from the sources under test, once before the spawned tests. */
export default async function setup(): Promise<void> {
  await bundleCli();
}
