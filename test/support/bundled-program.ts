import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { versionDefine } from "../../scripts/bundle.mjs";
import { temporaryDirectory } from "./temporary.ts";

/** Packages that few commands load would double the start of programs that never do. */
const withoutLazyPackages: Plugin = {
  name: "without-lazy-packages",
  setup(bundle) {
    bundle.onResolve({ filter: /^[@a-z#]/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path, external: true } : null,
    );
  },
};

/** Makes a TypeScript program with all that it imports one file that node can run; its path. */
export async function bundledProgram(source: URL): Promise<string> {
  const entry = fileURLToPath(source);
  const outfile = join(temporaryDirectory("program"), basename(entry).replace(/ts$/, "cjs"));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    define: versionDefine,
    supported: { "dynamic-import": false },
    plugins: [withoutLazyPackages],
    logLevel: "warning",
  });
  return outfile;
}
