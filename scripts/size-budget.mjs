// Fails when the bundle has outgrown its budget: every start of the program reads it.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bundle.mjs";

const KIB = 1024;
/** The largest each file of dist may be; every file in dist/lazy counts as its own. */
const BUDGETS = [
  { name: /^cli\.cjs$/, most: 560 * KIB },
  { name: /^cli\.\w+\.cache$/, most: 900 * KIB },
  { name: /^lazy\/html-app\.cjs$/, most: 300 * KIB },
  { name: /^lazy\//, most: 130 * KIB },
];

const dist = join(root, "dist");
const files = [...readdirSync(dist), ...readdirSync(join(dist, "lazy")).map((f) => `lazy/${f}`)];
let exceeded = 0;
for (const file of files) {
  const budget = BUDGETS.find(({ name }) => name.test(file));
  if (budget === undefined) continue;
  const { size } = statSync(join(dist, file));
  const verdict = size <= budget.most ? "within" : "OVER";
  if (size > budget.most) exceeded++;
  console.log(`${file}: ${inKib(size)}, ${verdict} ${inKib(budget.most)}`);
}
process.exitCode = exceeded > 0 ? 1 : 0;

/** @param {number} bytes */
function inKib(bytes) {
  return `${Math.ceil(bytes / KIB)} KiB`;
}
