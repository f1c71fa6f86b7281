// npm run bench: how fast the program is on this machine, against the targets of issue 4.
// Options: --json, --runs N (rounds of the start-up rows, default and least 21), --only NAME (a
// group, repeatable).
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { fragmented, replay, singleCalls, startUp, sweep } from "./rows.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "" },
    only: { type: "string", multiple: true, default: [] },
  },
});
/** The median of fewer says little about 10 %. */
const RUNS_LEAST = 21;
const runs = Math.max(Number(values.runs) || 0, RUNS_LEAST);

/** @type {Readonly<Record<string, () => import("./rows.mjs").Row[]>>} */
const GROUPS = {
  "start-up": () => startUp(runs),
  "single-calls": () => singleCalls(Math.ceil(runs / 3)),
  replay,
  sweep,
  fragmented,
};

const rows = [];
for (const [name, measure] of Object.entries(GROUPS)) {
  if (values.only.length > 0 && !values.only.includes(name)) continue;
  if (!values.json) process.stderr.write(`measuring ${name} ...\n`);
  rows.push(...measure());
}

if (values.json) {
  const machine = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model ?? "" };
  console.log(JSON.stringify({ schema: "tdx-sim/bench/v1", ...machine, runs, rows }, null, 2));
} else {
  for (const row of rows) console.log(lineOf(row));
  const missed = rows.filter(({ met }) => !met).length;
  console.log(`${rows.length - missed} of ${rows.length} targets met`);
}

/** @param {import("./rows.mjs").Row} row */
function lineOf({ what, measured, unit, reference, against, ratio, target, bound, met }) {
  const raw = reference === null ? "" : ` : ${figure(reference)} ${unit} (${against})`;
  const value = ratio === null ? "" : ` = ${ratio.toFixed(2)}`;
  const verdict = `${met ? "met" : "NOT MET"}: ${bound} ${target}${ratio === null ? ` ${unit}` : ""}`;
  return `${what.padEnd(42)} ${figure(measured)} ${unit}${raw}${value}  [${verdict}]`;
}

/** @param {number} value */
function figure(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
