import type { Result } from "../../lab/result.ts";
import { privatePageCount } from "../../lab/result.ts";
import type { TraceKind } from "../../lab/trace/recorder.ts";
import type { Trace, TracedStrategy } from "../../lab/trace/trace.ts";
import { formatDurationRange } from "../../units/duration.ts";
import { escapeControls, jsonText } from "../control-characters.ts";
import type { Materials } from "../format.ts";
import { type PhaseTimeline, timelineOf } from "../trace-timeline.ts";

export const about = "the calls in their order, for ui.perfetto.dev and chrome://tracing";

/** SEAMCALL and host slices of a whole file unless another number is asked for. */
const EVENTS_DEFAULT = 20_000;

/** Lifecycle states of a TD as TDR.LIFECYCLE_STATE has them (ABI 3.2). */
const KEYS_CONFIGURED = { code: 1, name: "TD_KEYS_CONFIGURED" };
const BLOCKED = { code: 2, name: "TD_BLOCKED" };
const TEARDOWN = { code: 3, name: "TD_TEARDOWN" };

const HOST_WORK_NAMES = {
  pageClears4K: "page clear 4K",
  ipis: "IPI",
  vcpuKicks: "vCPU kick",
} as const;

const LIFECYCLE_TRACK = 1;
const FIRST_PHASE_TRACK = 2;
const FIRST_LP_TRACK = 100;
const NS_PER_US = 1000;

type TraceEvent = Readonly<Record<string, unknown>>;

/** @throws Error when the run was not recorded */
export function draw(_result: Result, { trace, maxEvents }: Materials): Iterable<string> {
  if (trace === null) throw new Error("the run was not recorded");
  return perfettoChunks(trace, maxEvents);
}

/**
 * A trace for Perfetto and chrome://tracing (Trace Event Format, JSON object form), in pieces:
 * nothing but the piece at hand is kept. A slice holds `args.count` calls of one leaf; its status
 * is TDX_SUCCESS unless `args.status` says otherwise. The time line is the mid of the estimate,
 * and every phase carries its range.
 *
 * @param maxEvents about how many slices; fewer than one for each leaf, status and LP of a phase
 *   are never made, so that no count is lost
 */
export function* perfettoChunks(trace: Trace, maxEvents = EVENTS_DEFAULT): Generator<string> {
  const head = jsonText({ displayTimeUnit: "ms", otherData: provenance(trace) });
  yield `${head.slice(0, -1)},"traceEvents":[\n`;
  let separator = "";
  const each = maxEvents / Math.max(trace.strategies.length, 1);
  for (const [index, strategy] of trace.strategies.entries()) {
    for (const event of strategyEvents(trace, strategy, index + 1, each)) {
      yield separator + jsonText(event);
      separator = ",\n";
    }
  }
  yield "\n]}\n";
}

function provenance({ result, strategies }: Trace): TraceEvent {
  return {
    simulated: true,
    note: "SIMULATED: counts are exact, times are estimates; the time line is their middle",
    version: result.version,
    command: result.command,
    kernel: result.kernel,
    ...(result.whatIf === undefined ? {} : { whatIf: result.whatIf }),
    module: result.module,
    profile: result.profile.name,
    profileSha256: result.profile.sha256,
    lifecycleCodes: "1 TD_KEYS_CONFIGURED, 2 TD_BLOCKED, 3 TD_TEARDOWN, -1 no TDR",
    strategies: strategies.map(({ strategy, kernel, elapsedNs, earlierSeamcalls }) => ({
      strategy,
      kernel,
      elapsedNs,
      ...(earlierSeamcalls > 0 ? { earlierSeamcalls } : {}),
    })),
  };
}

function* strategyEvents(
  trace: Trace,
  strategy: TracedStrategy,
  pid: number,
  slicesMax: number,
): Generator<TraceEvent> {
  const timelines = timelineOf(strategy, slicesMax);
  yield* names(trace, strategy, timelines, pid);
  const state = new TdState(pid, privatePageCount(trace.result.td));
  yield* state.begin();
  for (const [index, timeline] of timelines.entries()) {
    yield phaseSlice(timeline, pid, FIRST_PHASE_TRACK + index);
    for (const round of timeline.rounds()) {
      for (const { kind, count, from, to } of round) {
        const what = strategy.kinds[kind] as TraceKind;
        yield slice(what, count, from, to, pid);
        yield* state.after(what, count, to);
      }
      yield* state.endRound();
    }
  }
  yield* state.end(timelines.at(-1)?.to ?? 0);
}

function metadata(pid: number, tid: number, name: string, args: TraceEvent): TraceEvent {
  return { ph: "M", name, pid, tid, args };
}

function* names(
  { result }: Trace,
  { strategy, kernel, elapsedNs, kinds }: TracedStrategy,
  timelines: readonly PhaseTimeline[],
  pid: number,
): Generator<TraceEvent> {
  const range = formatDurationRange(elapsedNs.low, elapsedNs.high);
  const profile = escapeControls(result.profile.name);
  const process = `${strategy}@${kernel} SIMULATED, ${profile}, ${range}, ${elapsedNs.basis}`;
  yield metadata(pid, 0, "process_name", { name: process });
  yield metadata(pid, 0, "process_sort_index", { sort_index: pid });
  const lps = new Set(kinds.map((kind) => (kind.kind === "seamcall" ? kind.lp : 0)));
  const tracks: [tid: number, name: string][] = [
    [LIFECYCLE_TRACK, "lifecycle state"],
    ...timelines.map(({ phase }, index): [number, string] => {
      return [FIRST_PHASE_TRACK + index, `phase ${phase.phase}`];
    }),
    ...[...lps]
      .sort((a, b) => a - b)
      .map((lp): [number, string] => [FIRST_LP_TRACK + lp, `LP ${lp}`]),
  ];
  for (const [tid, name] of tracks) {
    yield metadata(pid, tid, "thread_name", { name });
    yield metadata(pid, tid, "thread_sort_index", { sort_index: tid });
  }
}

/** Microseconds to the nanosecond; both ends are rounded, so that neighbours still touch. */
function span(from: number, to: number): { ts: number; dur: number } {
  const ts = Math.round(from);
  return { ts: ts / NS_PER_US, dur: (Math.round(to) - ts) / NS_PER_US };
}

function phaseSlice({ phase, from, to }: PhaseTimeline, pid: number, tid: number): TraceEvent {
  const { low, mid, high, basis } = phase.elapsedNs;
  const args = { simulated: true, lowNs: low, midNs: mid, highNs: high, basis };
  return { ph: "X", name: phase.phase, cat: "phase", pid, tid, ...span(from, to), args };
}

function slice(kind: TraceKind, count: number, from: number, to: number, pid: number): TraceEvent {
  if (kind.kind === "host") {
    const name = HOST_WORK_NAMES[kind.work];
    const tid = FIRST_LP_TRACK;
    return { ph: "X", name, cat: "host", pid, tid, ...span(from, to), args: { count } };
  }
  const { leaf: name, status, lp } = kind;
  const tid = FIRST_LP_TRACK + lp;
  const args = status === "TDX_SUCCESS" ? { count } : { count, status };
  return { ph: "X", name, cat: "seamcall", pid, tid, ...span(from, to), args };
}

/** What the calls did to the TD, as far as a drawing shows it: told by successful calls alone. */
class TdState {
  readonly #pid: number;
  #pagesLeft: number;
  #toldPages: number;
  #now = 0;
  #state = KEYS_CONFIGURED;
  #since = 0;
  #hasTdr = true;

  constructor(pid: number, pages: number) {
    this.#pid = pid;
    this.#pagesLeft = pages;
    this.#toldPages = pages;
  }

  *begin(): Generator<TraceEvent> {
    yield this.#counter("pages left", 0, { pages: this.#pagesLeft });
    yield this.#counter("HKIDs in use", 0, { HKIDs: 1 });
    yield this.#counter("lifecycle state", 0, { code: this.#state.code });
  }

  *after(kind: TraceKind, count: number, at: number): Generator<TraceEvent> {
    this.#now = at;
    if (kind.kind === "host" || kind.status !== "TDX_SUCCESS") return;
    switch (kind.leaf) {
      case "TDH.MEM.PAGE.REMOVE":
        this.#pagesLeft -= count;
        return;
      case "TDH.PHYMEM.PAGE.RECLAIM":
        // KVM reclaims Secure EPT and control pages without a page size.
        if (kind.pageSize >= 0) this.#pagesLeft -= count;
        return;
      case "TDH.MNG.VPFLUSHDONE":
        yield* this.#enter(BLOCKED, at);
        return;
      case "TDH.MNG.KEY.FREEID":
        yield* this.#enter(TEARDOWN, at);
        yield this.#counter("HKIDs in use", at, { HKIDs: 0 });
        return;
      case "TDH.PHYMEM.PAGE.WBINVD":
        // The one after the TDR came back is the last call of all (kvm-teardown C.3).
        if (this.#state === TEARDOWN) this.#hasTdr = false;
        return;
    }
  }

  *endRound(): Generator<TraceEvent> {
    if (this.#pagesLeft === this.#toldPages) return;
    this.#toldPages = this.#pagesLeft;
    yield this.#counter("pages left", this.#now, { pages: this.#pagesLeft });
  }

  *end(at: number): Generator<TraceEvent> {
    yield this.#stateSlice(at);
    if (!this.#hasTdr) yield this.#counter("lifecycle state", at, { code: -1 });
  }

  *#enter(state: typeof BLOCKED, at: number): Generator<TraceEvent> {
    yield this.#stateSlice(at);
    this.#state = state;
    this.#since = at;
    yield this.#counter("lifecycle state", at, { code: state.code });
  }

  #stateSlice(to: number): TraceEvent {
    const { name } = this.#state;
    const place = { pid: this.#pid, tid: LIFECYCLE_TRACK, ...span(this.#since, to) };
    return { ph: "X", name, cat: "lifecycle", ...place };
  }

  #counter(name: string, at: number, args: TraceEvent): TraceEvent {
    return { ph: "C", name, pid: this.#pid, tid: 0, ts: Math.round(at) / NS_PER_US, args };
  }
}
