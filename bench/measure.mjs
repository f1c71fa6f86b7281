// Runs the program and takes its time and its peak memory.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(here);
export const LAUNCHER = join(root, "bin", "tdx-sim.cjs");

// A certificate bundle to read costs every start of Node 20 some 40 ms.
const { NODE_EXTRA_CA_CERTS: _certificates, NODE_OPTIONS: _options, ...env } = process.env;

/**
 * @param {readonly string[]} args of node
 * @param {{ fd3?: boolean }} [options]
 */
function node(args, { fd3 = false } = {}) {
  const { status, error, output, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env,
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe", ...(fd3 ? [/** @type {const} */ ("pipe")] : [])],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return output;
}

/**
 * @param {readonly string[]} args of node
 * @returns {number} wall time in milliseconds
 */
export function milliseconds(args) {
  const start = process.hrtime.bigint();
  node(args);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/**
 * @param {readonly string[]} args of node
 * @returns {string} what it printed
 */
export function printed(args) {
  return String(node(args)[1]);
}

/**
 * @param {readonly string[]} args of node
 * @returns {number} peak memory in bytes
 */
export function peakBytes(args) {
  const output = node(["-r", join(here, "peak-memory.cjs"), ...args], { fd3: true });
  return Number(output[3]);
}

/**
 * Takes turns, so that what else the machine does strikes all alike; every second round the other
 * way round, so that none always follows the same one.
 * @template {string} Name
 * @param {Readonly<Record<Name, () => number>>} measurements
 * @param {number} runs
 * @returns {Record<Name, number[]>} what each measured in each round
 */
export function interleaved(measurements, runs) {
  const names = /** @type {Name[]} */ (Object.keys(measurements));
  /** @type {Record<string, number[]>} */
  const taken = Object.fromEntries(names.map((name) => [name, []]));
  for (let run = 0; run < runs; run++) {
    const order = run % 2 === 0 ? names : names.toReversed();
    for (const name of order) taken[name]?.push(measurements[name]());
  }
  return /** @type {Record<Name, number[]>} */ (taken);
}

/**
 * @param {readonly number[]} values
 * @returns {number}
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/**
 * How many times as much as the reference: the median over the rounds, each of which compares what
 * was measured one right after the other.
 * @param {readonly number[]} measured
 * @param {readonly number[]} reference
 */
export function medianRatio(measured, reference) {
  return median(measured.map((value, round) => value / (reference[round] ?? Number.NaN)));
}
