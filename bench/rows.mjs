// The rows of the benchmark: what is measured, against what, and what it should reach.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  interleaved,
  LAUNCHER,
  median,
  medianRatio,
  milliseconds,
  peakBytes,
  printed,
  root,
} from "./measure.mjs";

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {number} measured
 * @property {string} unit of `measured` and `reference`
 * @property {number | null} reference
 * @property {string} against what the reference is
 * @property {number | null} ratio
 * @property {number} target of the ratio, or of what was measured where there is none
 * @property {"at most" | "at least"} bound
 * @property {boolean} met
 */

/**
 * @param {Omit<Row, "ratio" | "met"> & { ratio?: number }} row without `ratio`, that of the figures
 * @returns {Row}
 */
function judged(row) {
  const ratio = row.reference === null ? null : (row.ratio ?? row.measured / row.reference);
  const value = ratio ?? row.measured;
  return {
    ...row,
    ratio,
    met: row.bound === "at most" ? value <= row.target : value >= row.target,
  };
}

/** @param {readonly string[]} args */
const compare = (...args) => [LAUNCHER, "compare", "--vcpus", "64", ...args];

/**
 * Two measurements that took turns.
 * @param {readonly number[]} measured
 * @param {readonly number[]} reference
 */
function paired(measured, reference) {
  return {
    measured: median(measured),
    reference: median(reference),
    ratio: medianRatio(measured, reference),
  };
}

/**
 * @param {number} runs
 * @returns {Row[]}
 */
export function startUp(runs) {
  const time = interleaved(
    {
      version: () => milliseconds([LAUNCHER, "--version"]),
      node: () => milliseconds(["-e", "0"]),
      compare: () => milliseconds(compare("--memory", "400G")),
      small: () => milliseconds(compare("--memory", "1G")),
      large: () => milliseconds(compare("--memory", "16T")),
    },
    runs,
  );
  const memory = interleaved(
    {
      small: () => peakBytes(compare("--memory", "1G")) / 2 ** 20,
      large: () => peakBytes(compare("--memory", "16T")) / 2 ** 20,
    },
    5,
  );
  const row = { unit: "ms", against: "node -e 0", bound: /** @type {const} */ ("at most") };
  return [
    judged({ ...row, what: "--version", ...paired(time.version, time.node), target: 1.5 }),
    judged({
      ...row,
      what: "compare --memory 400G --vcpus 64",
      ...paired(time.compare, time.node),
      target: 1.9,
    }),
    judged({
      ...row,
      what: "compare --memory 16T --vcpus 64",
      ...paired(time.large, time.small),
      against: "at 1G",
      target: 1.1,
    }),
    judged({
      ...row,
      what: "the same, peak memory",
      unit: "MiB",
      ...paired(memory.large, memory.small),
      against: "at 1G",
      target: 1.1,
    }),
  ];
}

/** @returns {Row[]} */
export function fragmented() {
  const args = [LAUNCHER, "compare", "--memory", "32G", "--layout", "alternate"];
  const row = { reference: null, against: "", bound: /** @type {const} */ ("at most") };
  return [
    judged({
      ...row,
      what: "compare --memory 32G --layout alternate",
      measured: milliseconds(args) / 1000,
      unit: "s",
      target: 10,
    }),
    judged({
      ...row,
      what: "the same, peak memory",
      measured: peakBytes(args) / 2 ** 30,
      unit: "GiB",
      target: 1.5,
    }),
  ];
}

/**
 * SEAMCALLs a second, call by call: what `--step` costs over the same teardown in spans.
 * @param {number} runs
 * @returns {Row[]}
 */
export function singleCalls(runs) {
  const directory = mkdtempSync(join(tmpdir(), "tdx-sim-bench-"));
  try {
    const reclaim = stored(directory, "hint", "64G");
    const removal = stored(directory, "runtime", "24G");
    const taken = interleaved(
      {
        loop: () => Number(printed([join(root, "bench", "dispatch-loop.mjs")])) / 1e6,
        reclaimStep: () => reclaim.teardown(["--step"]),
        reclaimSpan: () => reclaim.teardown([]),
        removalStep: () => removal.teardown(["--step"]),
        removalSpan: () => removal.teardown([]),
      },
      runs,
    );
    /** @param {keyof typeof taken} name */
    const time = (name) => median(taken[name]);
    const reclaimed = reclaim.calls / (time("reclaimStep") - time("reclaimSpan")) / 1000;
    const removed = removal.calls / (time("removalStep") - time("removalSpan")) / 1000;
    const row = {
      unit: "M/s",
      reference: time("loop"),
      against: "bench/dispatch-loop.mjs",
      bound: /** @type {const} */ ("at least"),
    };
    return [
      judged({
        ...row,
        what: "SEAMCALLs in --step, runtime removal",
        measured: removed,
        target: 0.29,
      }),
      judged({ ...row, what: "SEAMCALLs in --step, reclaim", measured: reclaimed, target: 0.43 }),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * A populated TD in a store, and how long each teardown of a copy of it takes.
 * @param {string} directory
 * @param {string} strategy
 * @param {string} memory
 */
function stored(directory, strategy, memory) {
  const store = join(directory, strategy);
  printed([LAUNCHER, "create", "td", "--memory", memory, "--store", store, "--quiet"]);
  printed([LAUNCHER, "populate", "td", "--store", store, "--quiet"]);
  const args = ["destroy", "td", "--strategy", strategy, "--quiet", "--format", "json"];
  /** @param {readonly string[]} more */
  const onCopy = (more) => {
    const copy = join(directory, "copy");
    rmSync(copy, { recursive: true, force: true });
    cpSync(store, copy, { recursive: true });
    return [LAUNCHER, ...args, "--store", copy, ...more];
  };
  const [result] = JSON.parse(printed(onCopy([]))).strategies;
  return {
    calls: result.seamcalls.total,
    /** @param {readonly string[]} more */
    teardown: (more) => milliseconds(onCopy(more)),
  };
}

/** @returns {Row[]} 625 memory sizes by 16 vCPU counts, every strategy of the kernel */
export function sweep() {
  const grid = ["--memory", "1G..512G:+838M", "--vcpus", "1..16"];
  return [
    judged({
      what: "sweep of 10,000 points to CSV",
      measured: milliseconds([LAUNCHER, "sweep", ...grid, "--format", "csv"]) / 1000,
      unit: "s",
      reference: null,
      against: "",
      target: 2,
      bound: "at most",
    }),
  ];
}

const REPLAYED_STEPS = 240_000;

/** @returns {Row[]} the public vectors again and again */
export function replay() {
  const vectors = join(root, "fixtures", "conformance", "seamcall-vectors.ndjson.gz");
  const sequences = gunzipSync(readFileSync(vectors))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => ({ line, steps: JSON.parse(line).steps.length }));
  const lines = [];
  for (let made = 0; made < REPLAYED_STEPS; ) {
    for (const { line, steps } of sequences) {
      lines.push(line);
      made += steps;
      if (made >= REPLAYED_STEPS) break;
    }
  }
  const directory = mkdtempSync(join(tmpdir(), "tdx-sim-bench-"));
  try {
    const file = join(directory, "vectors.ndjson");
    writeFileSync(file, `${lines.join("\n")}\n`);
    return [
      judged({
        what: "replay of 240,000 steps",
        measured: milliseconds([LAUNCHER, "replay", file]) / 1000,
        unit: "s",
        reference: null,
        against: "",
        target: 4,
        bound: "at most",
      }),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
