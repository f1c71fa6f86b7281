import {
  type EstimatedInterval,
  type PhaseResult,
  privatePageCount,
  type Result,
} from "../lab/result.ts";

/** A phase of a teardown at one moment of its estimated time. */
export interface PhaseFrame {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** A teardown at one moment of its estimated time. */
export interface Frame {
  /** Nanoseconds of estimated time. */
  readonly clock: number;
  readonly phases: readonly PhaseFrame[];
  readonly seamcalls: number;
  /** Private pages that are not back yet. */
  readonly pagesLeft: number;
  readonly over: boolean;
}

/** Phases in which private pages come back. */
const PAGE_PHASES: readonly string[] = ["remove-private", "reclaim-private"];

/** The phases one after the other, as their middle estimates have them: calls come evenly. */
export function timeline(result: Result): {
  readonly elapsedNs: EstimatedInterval;
  at(clock: number): Frame;
} {
  const [entry] = result.strategies;
  if (entry === undefined) throw new Error("there is no teardown to play");
  return {
    elapsedNs: entry.elapsedNs,
    at: (clock) => frame(entry.phases, privatePageCount(result.td), clock),
  };
}

function frame(phases: readonly PhaseResult[], pages: number, clock: number): Frame {
  let from = 0;
  let pageShare = 0;
  const frames = phases.map(({ phase, seamcalls, elapsedNs }) => {
    const share = shareDone(clock - from, elapsedNs.mid);
    from += elapsedNs.mid;
    if (PAGE_PHASES.includes(phase)) pageShare = Math.max(pageShare, share);
    return { phase, done: Math.floor(share * seamcalls.total), total: seamcalls.total };
  });
  return {
    clock: Math.min(clock, from),
    phases: frames,
    seamcalls: frames.reduce((sum, { done }) => sum + done, 0),
    pagesLeft: pages - Math.floor(pageShare * pages),
    over: clock >= from,
  };
}

function shareDone(since: number, duration: number): number {
  if (since < 0) return 0;
  return since >= duration ? 1 : since / duration;
}
