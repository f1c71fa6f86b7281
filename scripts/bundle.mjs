// The command line as one minified CommonJS file: it starts within about 10 ms of bare node,
// where the same packages loaded from node_modules cost 30 ms.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Packages that few commands need, each in a file of its own: `await import("yaml")` in the
 * sources loads dist/lazy/yaml.cjs. Inside the main file they would add 4 ms to every start;
 * from node_modules each takes about twice as long to load.
 * @type {Readonly<Record<string, string>>} package to file name
 */
const LAZY_PACKAGES = {
  "@bomb.sh/tab": "tab",
  "cli-progress": "cli-progress",
  "csv-stringify": "csv-stringify",
  "csv-stringify/sync": "csv-stringify-sync",
  "d3-format": "d3-format",
  "d3-scale": "d3-scale",
  "d3-shape": "d3-shape",
  "ml-fcnnls": "ml-fcnnls",
  "ml-matrix": "ml-matrix",
  "simple-statistics": "simple-statistics",
  xmlbuilder: "xmlbuilder",
  yaml: "yaml",
};

/** @returns {string} the version in package.json, the only place that states it */
export function packageVersion() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

/** What stands for `__VERSION__` in the sources. */
export const versionDefine = { __VERSION__: JSON.stringify(packageVersion()) };

/** Where package.json says that `#html-app` lies. */
const HTML_APP = "lazy/html-app";

/**
 * Points imports of the lazy packages at their files in dist.
 * @type {esbuild.Plugin}
 */
const lazyPackages = {
  name: "lazy-packages",
  setup(build) {
    build.onResolve({ filter: /^#html-app$/ }, () => ({
      path: `./${HTML_APP}.cjs`,
      external: true,
    }));
    build.onResolve({ filter: /^[@a-z]/ }, ({ path }) => {
      const file = LAZY_PACKAGES[path];
      return file === undefined ? null : { path: `./lazy/${file}.cjs`, external: true };
    });
  },
};

/**
 * commander loads child_process, and with it half of Node's network, for subcommands that are
 * programs of their own. There are none here: it gets the module when it asks for one.
 * @type {esbuild.Plugin}
 */
const childProcessLater = {
  name: "child-process-later",
  setup(build) {
    const namespace = "later";
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      importer.includes("/commander/") ? { path, namespace } : null,
    );
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `exports.spawn = (...args) => require("${path}").spawn(...args);`,
      resolveDir: root,
    }));
  },
};

/**
 * Replaces a file by rename, so that a program started meanwhile sees the old one or the new one,
 * never half of it.
 * @param {string} path
 * @param {string | Uint8Array} contents
 */
function replaceFile(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(draft, contents);
  renameSync(draft, path);
}

/** @type {esbuild.Plugin} */
const atomicOutput = {
  name: "atomic-output",
  setup(build) {
    build.onEnd((result) => {
      for (const file of result.outputFiles ?? []) {
        replaceFile(file.path, file.contents);
      }
    });
  },
};

/** @type {esbuild.BuildOptions} */
const shared = {
  absWorkingDir: root,
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  minify: true,
  charset: "utf8",
  // A dynamic import becomes a require: node's ESM loader would cost as much as the package.
  supported: { "dynamic-import": false },
  logLevel: "warning",
  write: false,
};

/** @type {esbuild.BuildOptions} */
const cli = {
  ...shared,
  entryPoints: { cli: "src/cli/main.ts" },
  define: versionDefine,
  plugins: [lazyPackages, childProcessLater, atomicOutput],
};

/** @type {esbuild.BuildOptions} */
const lazy = {
  ...shared,
  entryPoints: Object.fromEntries(
    Object.entries(LAZY_PACKAGES).map(([name, file]) => [`lazy/${file}`, name]),
  ),
  plugins: [atomicOutput],
};

/**
 * The program of the HTML report for browsers, as the text that a CommonJS module exports: the
 * report carries it inside.
 */
async function bundleHtmlApp() {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["src/report/html-app/main.ts"],
    metafile: true,
    bundle: true,
    platform: "browser",
    target: "es2022",
    format: "iife",
    minify: true,
    charset: "utf8",
    logLevel: "warning",
    write: false,
  });
  const code = outputFiles.map(({ text }) => text.trimEnd()).join("");
  const script = `/*!\n${licencesOf(Object.keys(metafile.inputs))}\n*/\n${code}`;
  replaceFile(
    join(root, "dist", `${HTML_APP}.cjs`),
    `exports.script = ${JSON.stringify(script)};\n`,
  );
}

/**
 * Every report is a copy of the packages inside it, which their licences want to be told with.
 * @param {readonly string[]} inputs files of a bundle
 * @returns {string} the packages with their licences, each text once
 */
function licencesOf(inputs) {
  /** @type {Map<string, string[]>} */
  const owners = new Map();
  const packages = inputs.flatMap((path) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
    return name === undefined ? [] : [name];
  });
  for (const name of [...new Set(packages)].sort()) {
    const directory = join(root, "node_modules", name);
    const file = readdirSync(directory).find((entry) => /^licen[sc]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence to tell`);
    const text = readFileSync(join(directory, file), "utf8").trim().replaceAll("*/", "* /");
    owners.set(text, [...(owners.get(text) ?? []), name]);
  }
  return [...owners].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n");
}

/** Builds dist/cli.cjs and dist/lazy once; rejects when the sources do not bundle. */
export async function bundleCli() {
  await esbuild.build(lazy);
  await bundleHtmlApp();
  await esbuild.build(cli);
}

/** Rebuilds dist/cli.cjs whenever a source changes, until the process ends. */
export async function watchCli() {
  await esbuild.build(lazy);
  await bundleHtmlApp();
  const context = await esbuild.context({ ...cli, logLevel: "info" });
  await context.watch();
}
