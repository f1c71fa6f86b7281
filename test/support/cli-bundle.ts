import { bundleCli } from "../../scripts/bundle.mjs";
import { writeSchemas } from "../../scripts/schemas.mjs";

/** Builds what the program loads and dist/schema from the sources under test, once before spawned tests. */
export default async function setup(): Promise<void> {
  await bundleCli();
  await writeSchemas();
}
