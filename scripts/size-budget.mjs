// Fails when a file that the program loads has outgrown its budget: starts read and compile it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bundle.mjs";

const KIB = 1024;
/** The largest each file of dist may be; every file in dist/lazy counts as its own. */
const BUDGETS = [
  { name: /\/start\.cjs$/, most: 56 * KIB },
  { name: /\/life\.cjs$/, most: 260 * KIB },
  { name: /\/store\.cjs$/, most: 30 * KIB },
  { name: /\/rest\.cjs$/, most: 280 * KIB },
  // Each holds its content twice.
  { name: /\/start\.cjs\..*cache$/, most: 240 * KIB },
  { name: /\/life\.cjs\..*cache$/, most: 1300 * KIB },
  { name: /\/store\.cjs\..*cache$/, most: 180 * KIB },
  { name: /\/rest\.cjs\..*cache$/, most: 840 * KIB },
  { name: /^lazy\/html-app\.cjs$/, most: 300 * KIB },
  { name: /^lazy\//, most: 130 * KIB },
];

const dist = join(root, "dist");
/** Directories of layers that earlier builds left are no part of the program. */
const layers = readFileSync(join(dist, "layers"), "utf8");
const files = [layers, "lazy"].flatMap(below);
let exceeded = 0;
for (const file of files) {
  const budget = BUDGETS.find(({ name }) => name.test(file));
  if (budget === undefined) throw new Error(`${file} has no budget`);
  const { size } = statSync(join(dist, file));
  const verdict = size <= budget.most ? "within" : "OVER";
  if (size > budget.most) exceeded++;
  console.log(`${file}: ${inKib(size)}, ${verdict} ${inKib(budget.most)}`);
}
process.exitCode = exceeded > 0 ? 1 : 0;

/** @param {string} directory of dist */
function below(directory) {
  return readdirSync(join(dist, directory)).map((file) => `${directory}/${file}`);
}

/** @param {number} bytes */
function inKib(bytes) {
  return `${Math.ceil(bytes / KIB)} KiB`;
}
