// Second half of `npm run build`, after tsc has written the library to dist.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { bundleCli, root, versionDefine, watchCli } from "./bundle.mjs";
import { writeManPage } from "./man.mjs";
import { writeSchemas } from "./schemas.mjs";

if (process.argv.includes("--watch")) {
  await watchCli();
} else {
  await stampLibrary(join(root, "dist"));
  await writeSchemas();
  await writeManPage();
  await bundleCli().catch(toldByEsbuild);
}

/**
 * esbuild has printed what is wrong with the sources; a stack trace of its own would bury that.
 * @param {unknown} error
 */
function toldByEsbuild(error) {
  if (!(error instanceof Error && "errors" in error)) throw error;
  process.exitCode = 1;
}

/**
 * tsc cannot replace `__VERSION__`, and the library must not read package.json at run time.
 * @param {string} directory with the emitted modules
 */
async function stampLibrary(directory) {
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".js")) continue;
    const path = join(directory, name);
    const source = readFileSync(path, "utf8");
    if (!source.includes("__VERSION__")) continue;
    const { code } = await transform(source, { format: "esm", define: versionDefine });
    writeFileSync(path, code);
  }
}
