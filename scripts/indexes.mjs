// Writes the index of each folder whose files are entries of a list, so that a new entry is one new
// file. `npm run build`, `dev`, `typecheck` and the tests call it; in CI, where what was committed is
// judged, it writes nothing, and test/architecture.test.ts fails where an index is not up to date.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src/", import.meta.url));
const INDEX = "index.ts";

/**
 * Folders below src, and how the index of each reads, given the names of its files.
 * @type {Readonly<Record<string, (names: readonly string[]) => readonly string[]>>}
 */
const INDEXES = {
  "module/leaves": (names) => [
    'import type { Leaf } from "../leaf.ts";',
    ...names.map((name) => `import { ${camelCase(name)} } from "./${name}.ts";`),
    "",
    "/** The leaf of each file of this folder. */",
    "export const ALL_LEAVES: readonly Leaf[] = [",
    ...names.map((name) => `  ${camelCase(name)},`),
    "];",
  ],
  // Nearly every command prints the default format; the others are loaded when they are asked for.
  "report/formats": (names) => [
    'import type { Format } from "../format.ts";',
    'import * as table from "./table.ts";',
    "",
    "/** Formats by the name `--format` takes, the default first. */",
    "export const FORMATS = {",
    "  table: () => table,",
    ...names.filter((name) => name !== "table").map(loaded),
    "} as const satisfies Record<string, () => Format | Promise<Format>>;",
  ],
  "report/drawings": (names) => [
    'import type { Drawing } from "../format.ts";',
    "",
    "/** Drawings by the name `--export` takes. */",
    "export const DRAWINGS = {",
    ...names.map(loaded),
    "} as const satisfies Record<string, () => Promise<Drawing>>;",
  ],
};

/** @param {string} name of a file */
function loaded(name) {
  return `  ${name}: () => import("./${name}.ts"),`;
}

/** Where new files may appear. */
export const INDEXED_FOLDERS = Object.keys(INDEXES).map((folder) => join(SRC, folder));

/** @returns {{ path: string, text: string }[]} every index as it should be */
export function indexes() {
  return Object.entries(INDEXES).map(([folder, linesOf]) => {
    const names = readdirSync(join(SRC, folder))
      .filter((file) => file.endsWith(".ts") && file !== INDEX)
      .map((file) => file.slice(0, -".ts".length))
      .sort();
    const head = "// Written by scripts/indexes.mjs from the files of this folder.";
    const text = [head, ...linesOf(names), ""].join("\n");
    return { path: join(SRC, folder, INDEX), text };
  });
}

/** @returns {string[]} paths of the indexes that are not as they should be */
export function staleIndexes() {
  return indexes()
    .filter(({ path, text }) => readFileSync(path, "utf8") !== text)
    .map(({ path }) => path);
}

/** Brings every index up to date. */
export function writeIndexes() {
  if (process.env["CI"]) return;
  const stale = new Set(staleIndexes());
  for (const { path, text } of indexes()) if (stale.has(path)) writeFileSync(path, text);
}

/**
 * @param {string} name of a file: `tdh-mem-page-add`
 * @returns {string} what it exports: `tdhMemPageAdd`
 */
function camelCase(name) {
  return name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeIndexes();
