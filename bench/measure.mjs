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
 * Takes turns, so that what else the machine does strikes all alike.
 * @template {string} Name
 * @param {Readonly<Record<Name, () => number>>} measurements
 * @param {number} runs
 * @returns {Record<Name, number>} medians
 */
export function interleaved(measurements, runs) {
  const names = /** @type {Name[]} */ (Object.keys(measurements));
  const taken = names.map(() => /** @type {number[]} */ ([]));
  for (let run = 0; run < runs; run++) {
    for (const [i, name] of names.entries()) taken[i]?.push(measurements[name]());
  }
  const medians = names.map((name, i) => [name, median(taken[i] ?? [])]);
  return Object.fromEntries(medians);
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
