// The command line as minified CommonJS files: they start in a third of the time that the same
// packages loaded from node_modules take.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { INDEXED_FOLDERS, writeIndexes } from "./indexes.mjs";
import { bundleLayers } from "./layers.mjs";

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
function packageVersion() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

/** What stands for `__VERSION__` in the sources. */
export const versionDefine = { __VERSION__: JSON.stringify(packageVersion()) };

/** What directories of layers begin with, below dist. */
const LAYERS = "cli-";
const HOUR_MS = 3_600_000;

/** Where package.json says that `#html-app` lies. */
const HTML_APP = "lazy/html-app";

/** dist as bin/tdx-sim.cjs sees it, which lends its `require` to the layers. */
const DIST = "../dist";

/**
 * Points imports of the lazy packages at their files in dist.
 * @type {esbuild.Plugin}
 */
const lazyPackages = {
  name: "lazy-packages",
  setup(build) {
    build.onResolve({ filter: /^#html-app$/ }, () => ({
      path: `${DIST}/${HTML_APP}.cjs`,
      external: true,
    }));
    build.onResolve({ filter: /^[@a-z]/ }, ({ path }) => {
      const file = LAZY_PACKAGES[path];
      return file === undefined ? null : { path: `${DIST}/lazy/${file}.cjs`, external: true };
    });
  },
};

/**
 * Functions of Node modules that take long to load and are seldom called: the layers get the
 * module when they call one. commander wants child_process, and with it half of Node's network,
 * for subcommands that are programs of their own, of which there are none here.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const CALLED_LATER = {
  "node:child_process": ["spawn"],
  "node:crypto": ["createHash", "randomBytes"],
  "node:v8": ["setFlagsFromString"],
};

/** @type {esbuild.Plugin} */
const nodeModulesLater = {
  name: "node-modules-later",
  setup(build) {
    const namespace = "later";
    build.onResolve({ filter: /^node:/ }, ({ path, namespace: importer }) =>
      path in CALLED_LATER && importer !== namespace ? { path, namespace } : null,
    );
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => {
      const functions = CALLED_LATER[path]?.map(
        (name) => `export const ${name} = (...args) => require("${path}").${name}(...args);`,
      );
      return { contents: functions?.join("\n") ?? "" };
    });
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
const layer = {
  ...shared,
  // One byte a character: V8 takes that as it is.
  charset: "ascii",
  define: versionDefine,
  plugins: [lazyPackages, nodeModulesLater],
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

/**
 * The command line: its layers in a directory named by what they consist of, so that a program
 * that is running keeps its own, and dist/layers, which says which one to load.
 */
async function bundleCommandLine() {
  const layers = await bundleLayers("src/cli/main.ts", layer);
  const hash = createHash("sha256");
  for (const text of layers.values()) hash.update(text);
  const name = `${LAYERS}${hash.digest("hex").slice(0, 12)}`;
  const directory = join(root, "dist", name);
  for (const [file, text] of layers) replaceFile(join(directory, `${file}.cjs`), text);
  replaceFile(join(root, "dist", "layers"), name);
  compileAhead(directory);
  for (const old of readdirSync(join(root, "dist"))) {
    if (old.startsWith(LAYERS) && old !== name) removeUnused(join(root, "dist", old));
  }
}

/** @param {string} directory of layers; has what this Node's V8 compiled of them added */
function compileAhead(directory) {
  const script = join(root, "scripts", "compile-ahead.cjs");
  const scenario = join(root, "fixtures", "scenarios", "hint-quarters-the-seamcalls.yaml");
  const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, ...env } = process.env;
  execFileSync(process.execPath, [script, join(root, "bin", "tdx-sim.cjs"), directory, scenario], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** @param {string} directory of layers; stays when a program that is running may need it */
function removeUnused(directory) {
  const { mtimeMs } = statSync(directory);
  if (Date.now() - mtimeMs > HOUR_MS) rmSync(directory, { recursive: true, force: true });
}

/** Builds all that bin/tdx-sim.cjs loads once; rejects when the sources do not bundle. */
export async function bundleCli() {
  await esbuild.build(lazy);
  await bundleHtmlApp();
  await bundleCommandLine();
}

/**
 * Builds the command line again whenever a source changes, until the process ends. A file that is new
 * in a folder with an index gets there first: the index is a source too.
 */
export async function watchCli() {
  writeIndexes();
  for (const folder of INDEXED_FOLDERS) watch(folder, writeIndexes);
  await esbuild.build(lazy);
  await bundleHtmlApp();
  const context = await esbuild.context({
    ...layer,
    entryPoints: ["src/cli/main.ts"],
    logLevel: "info",
    plugins: [
      ...(layer.plugins ?? []),
      {
        name: "command-line",
        setup: ({ onEnd }) => {
          onEnd(({ errors }) => (errors.length > 0 ? undefined : bundleCommandLine()));
        },
      },
    ],
  });
  await context.watch();
}
