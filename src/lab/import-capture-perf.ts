import type { LeafNames } from "./import-capture-leaf.ts";
import {
  type CaptureReader,
  type CaptureRecorder,
  parseCount,
  UNIT_NS,
} from "./import-capture-recorder.ts";

/** `   4,194,304      probe:tdh_mem_page_remove   # ...`. */
const STAT = /^\s*([\d.,'\u00a0\u202f]+)\s+((?:[\w-]+:)?tdh_\w+)\b/;
const ELAPSED = /^\s*(\d+(?:[.,]\d+)?) seconds time elapsed/;
/** A comment or prompt with the command that the histogram below it is of. */
const LATENCY_COMMAND = /perf ftrace latency\b.*?(?:-T|--trace-funcs)[ =]?(\w+)/;
/** `     1 -    2 us |   2345 | ###   |`, `     1 - ... s  |  0 |  |`. */
const LATENCY = /^\s*(\d+(?:\.\d+)?) - +(\d+(?:\.\d+)?|\.\.\.) +(ns|us|ms|s) *\| +(\d+) \|/;
const STATISTICS = /^# statistics +\(in (\w+)\)/;
const STATISTIC = /^\s*(total time|count): +(\d+)/;

/** Reads `perf stat` of probes on the wrappers, and `perf ftrace latency` of one of them. */
export class PerfReader implements CaptureReader {
  readonly #recorder: CaptureRecorder;
  readonly #leaves: LeafNames;
  #traced: string | undefined;
  #statisticsNs = 0;

  constructor(recorder: CaptureRecorder, leaves: LeafNames) {
    this.#recorder = recorder;
    this.#leaves = leaves;
  }

  take(line: string, at: string): boolean {
    return this.#stat(line, at) || this.#latency(line) || this.#statistic(line);
  }

  #stat(line: string, at: string): boolean {
    const elapsed = ELAPSED.exec(line)?.[1];
    if (elapsed !== undefined) {
      this.#recorder.elapsed(Number(elapsed.replace(",", ".")) * 1e9);
      return true;
    }
    const [, count, event] = STAT.exec(line) ?? [];
    const leaf = event === undefined ? undefined : this.#leaves.find(event);
    if (count === undefined || leaf === undefined) return false;
    this.#recorder.calls(leaf, parseCount(count, at));
    return true;
  }

  #latency(line: string): boolean {
    const command = LATENCY_COMMAND.exec(line)?.[1];
    if (command !== undefined) {
      this.#traced = this.#leaves.find(command);
      return true;
    }
    const [, from, to, unit, count] = LATENCY.exec(line) ?? [];
    if (from === undefined || to === undefined || unit === undefined) return false;
    if (this.#traced === undefined) return false;
    const scale = UNIT_NS[unit] ?? 1;
    const low = Number(from) * scale;
    const high = to === "..." ? 2 * low : Number(to) * scale;
    this.#recorder.bucket(this.#traced, { low, high, count: Number(count) });
    return true;
  }

  /** Totals below the histogram, which newer versions print: exact where the histogram is not. */
  #statistic(line: string): boolean {
    const unit = STATISTICS.exec(line)?.[1];
    if (unit !== undefined) {
      this.#statisticsNs = UNIT_NS[unit] ?? 0;
      return true;
    }
    const [, what, value] = STATISTIC.exec(line) ?? [];
    if (what === undefined || value === undefined || this.#statisticsNs === 0) return false;
    if (what === "total time" && this.#traced !== undefined) {
      this.#recorder.sum(this.#traced, Number(value) * this.#statisticsNs);
    }
    return true;
  }
}
