// Writes dist/tdx-sim.1, the manual page, from the command tree.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { root, versionDefine } from "./bundle.mjs";

/** @returns {Promise<string>} the page */
export async function renderManPage() {
  mkdirSync(join(root, "dist"), { recursive: true });
  const directory = mkdtempSync(join(root, "dist", ".man-"));
  try {
    const outfile = join(directory, "man-page.cjs");
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: ["src/cli/man-page.ts"],
      bundle: true,
      platform: "node",
      format: "cjs",
      packages: "external",
      external: ["#html-app"],
      define: versionDefine,
      outfile,
      logLevel: "warning",
    });
    /** @type {typeof import("../src/cli/man-page.ts")} */
    const { manPage } = createRequire(import.meta.url)(outfile);
    return await manPage();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export async function writeManPage() {
  writeFileSync(join(root, "dist", "tdx-sim.1"), await renderManPage());
}
