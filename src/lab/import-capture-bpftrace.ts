import { Failure } from "../units/failure.ts";
import type { LeafNames } from "./import-capture-leaf.ts";
import {
  type CaptureReader,
  type CaptureRecorder,
  parseCount,
  UNIT_NS,
} from "./import-capture-recorder.ts";

/** `@ns[28]: 1234`, `@calls[tdh_mem_track]: 7`, `@elapsed_ns: 99`, `@ns[28]:` before a histogram. */
const MAP = /^@(\w*)(?:\[([^\]]*)\])?:\s*(.*)$/;
/** `[2K, 4K)   1234 |@@@@   |`, `[0]  7 |@ |`, `[64K, ...)  1 | |`. */
const BUCKET = /^[[(](\d+[KMGTPE]?|\.\.\.)(?:, ?(\d+[KMGTPE]?|\.\.\.))?[\])]\s+(\d+)\s*\|/;
/** What bpftrace's `stats()` prints. */
const STATS = /^count (\d+), average \d+, total (\d+)$/;
const LOST = /^(?:WARNING: )?(?:Lost|Dropped) (\d+) events/i;

const SUFFIXES = "KMGTPE";

function bound(text: string): number {
  const suffix = SUFFIXES.indexOf(text.slice(-1)) + 1;
  return Number(suffix === 0 ? text : text.slice(0, -1)) * 1024 ** suffix;
}

/** Reads the maps that bpftrace prints when a script ends. */
export class BpftraceReader implements CaptureReader {
  readonly #recorder: CaptureRecorder;
  readonly #leaves: LeafNames;
  /** The histogram whose buckets follow. */
  #open: { readonly leaf: string | undefined; readonly unitNs: number } | null = null;

  constructor(recorder: CaptureRecorder, leaves: LeafNames) {
    this.#recorder = recorder;
    this.#leaves = leaves;
  }

  take(line: string, at: string): boolean {
    const lost = LOST.exec(line);
    if (lost?.[1] !== undefined) {
      this.#recorder.lose(Number(lost[1]));
      return true;
    }
    const map = MAP.exec(line);
    if (map !== null) {
      this.#map(map[1] ?? "", map[2], (map[3] ?? "").trim(), at);
      return true;
    }
    const bucket = BUCKET.exec(line);
    if (bucket === null || this.#open === null) return false;
    this.#bucket(bucket);
    return true;
  }

  #map(name: string, key: string | undefined, value: string, at: string): void {
    this.#open = null;
    if (key === undefined) {
      if (name.startsWith("elapsed")) {
        this.#recorder.elapsed(parseCount(value, at) * unitOf(name, at));
      }
      return;
    }
    const leaf = this.#leaves.find(key);
    if (value === "") {
      this.#open = { leaf, unitNs: unitOf(name, at) };
      return;
    }
    if (leaf === undefined) return;
    const stats = STATS.exec(value);
    if (stats !== null) {
      this.#recorder.calls(leaf, parseCount(stats[1] ?? "", at));
      this.#recorder.sum(leaf, parseCount(stats[2] ?? "", at) * unitOf(name, at));
    } else if (name === "" || /calls|count/.test(name)) {
      this.#recorder.calls(leaf, parseCount(value, at));
    } else {
      this.#recorder.sum(leaf, parseCount(value, at) * unitOf(name, at));
    }
  }

  #bucket([, from = "", to, count = ""]: RegExpExecArray): void {
    const { leaf, unitNs } = this.#open ?? { leaf: undefined, unitNs: 1 };
    if (leaf === undefined) return;
    const low = from === "..." ? 0 : bound(from);
    // The last bucket of a linear histogram has no end; a single value is a bucket of one.
    const high = to === undefined ? low + 1 : to === "..." ? 2 * low : bound(to);
    this.#recorder.bucket(leaf, { low: low * unitNs, high: high * unitNs, count: Number(count) });
  }
}

/** The unit that a map says in its name: `ns`, `latency_us`, `elapsed_ns`. */
function unitOf(name: string, at: string): number {
  const unit = UNIT_NS[name.split("_").at(-1) ?? ""];
  if (unit !== undefined) return unit;
  throw new Failure("data", `${at}: the map @${name} does not say its unit`, {
    hint: "call it @ns, @us or @ms, or end its name in _ns, _us or _ms",
  });
}
