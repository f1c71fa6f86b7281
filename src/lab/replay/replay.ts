import { Failure } from "../../units/failure.ts";
import { type Chunks, type Line, readLines } from "./lines.ts";
import type { Mismatch } from "./mismatch.ts";
import { parseSequence } from "./parse-sequence.ts";
import { type Pairs, SequenceRun, type StepObserver } from "./run-sequence.ts";
import type { Sequence } from "./sequence.ts";

/** Mismatches that a result lists unless all are asked for. */
const MOST_LISTED = 20;
/** Control characters of the input must not reach a terminal through an error message. */
const CONTROL = /\p{Cc}/gu;
const BYTE_ORDER_MARK = "\uFEFF";

/** Outcome of a replay, `tdx-sim/replay/v1`. */
export interface ReplayResult {
  readonly schema: "tdx-sim/replay/v1";
  readonly sequences: number;
  /** Steps that were run: after a mismatch the rest of its sequence is not. */
  readonly steps: number;
  readonly seamcalls: number;
  readonly mismatches: number;
  readonly sequencesWithMismatch: number;
  /** ABI leaf name to status to how often the emulator answered it. */
  readonly pairs: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly first: readonly Mismatch[];
}

export interface ReplayOptions {
  /** What the input is called in errors; `input` by default. */
  readonly name?: string;
  /** List every mismatch instead of the first twenty. */
  readonly all?: boolean;
  /** Called after every step; what it throws ends the replay. */
  readonly observer?: StepObserver;
  /** Asked between sequences; true ends the replay early, with what was found so far. */
  readonly shouldStop?: () => boolean;
}

/**
 * Replays SEAMCALL vectors, one sequence a line (NDJSON, plain or compressed by gzip), on a fresh
 * module each, and compares what they recorded. Throws a `data` Failure that names input and line
 * where it is not of the documented form.
 */
export async function replay(source: Chunks, options: ReplayOptions = {}): Promise<ReplayResult> {
  const name = options.name ?? "input";
  const tally = new Tally(options);
  for await (const line of readLines(source, name)) {
    if (options.shouldStop?.() === true) break;
    const sequence = parseLine(line, name);
    if (sequence === null) continue;
    try {
      tally.run(sequence);
    } catch (error) {
      throw placed(error, name, line.number);
    }
  }
  if (tally.sequences === 0 && options.shouldStop?.() !== true) {
    throw new Failure("data", `${name}: no sequence in it`);
  }
  return tally.result();
}

/** The sequence of a line; null for an empty one. */
function parseLine({ text, number }: Line, name: string): Sequence | null {
  const json = number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  if (json.trim() === "") return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = (error as Error).message.replace(CONTROL, "?");
    throw new Failure("data", `${name}:${number}: not JSON: ${why}`, {
      hint: "one sequence is one line of JSON",
    });
  }
  try {
    return parseSequence(value);
  } catch (error) {
    throw placed(error, name, number);
  }
}

/** The same failure with the place in the input in front. */
function placed(error: unknown, name: string, line: number): unknown {
  if (!(error instanceof Failure) || error.kind !== "data") return error;
  const { hint } = error;
  const message = `${name}:${line}: ${error.message.replace(CONTROL, "?")}`;
  return new Failure("data", message, { hint });
}

class Tally {
  sequences = 0;
  #steps = 0;
  #seamcalls = 0;
  #mismatches = 0;
  #sequencesWithMismatch = 0;
  readonly #pairs: Pairs = new Map();
  readonly #first: Mismatch[] = [];
  readonly #options: ReplayOptions;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  run(sequence: Sequence): void {
    const outcome = new SequenceRun(sequence, this.#pairs, this.#options.observer).run();
    this.sequences++;
    this.#steps += outcome.steps;
    this.#seamcalls += outcome.seamcalls;
    this.#mismatches += outcome.mismatches.length;
    if (outcome.mismatches.length > 0) this.#sequencesWithMismatch++;
    for (const mismatch of outcome.mismatches) {
      if (this.#options.all === true || this.#first.length < MOST_LISTED)
        this.#first.push(mismatch);
    }
  }

  result(): ReplayResult {
    return {
      schema: "tdx-sim/replay/v1",
      sequences: this.sequences,
      steps: this.#steps,
      seamcalls: this.#seamcalls,
      mismatches: this.#mismatches,
      sequencesWithMismatch: this.#sequencesWithMismatch,
      pairs: sortedPairs(this.#pairs),
      first: this.#first,
    };
  }
}

function sortedPairs(pairs: Pairs): ReplayResult["pairs"] {
  const byName = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    byName(pairs).map(([leaf, statuses]) => [leaf, Object.fromEntries(byName(statuses))]),
  );
}
