import type { TimedPhase, TracedStrategy } from "../lab/trace/trace.ts";

/** Things of one kind that a drawing shows as one; times in nanoseconds from the start. */
export interface Slice {
  /** Index into the kinds of the strategy. */
  readonly kind: number;
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

/** One turn of what takes turns: a slice for each kind. */
export type Round = readonly Slice[];

/** A phase on the time axis; its rounds are made when they are asked for, one at a time. */
export interface PhaseTimeline {
  readonly phase: TimedPhase;
  readonly from: number;
  readonly to: number;
  rounds(): Generator<Round>;
}

/**
 * Lays a recorded teardown out in time. A batch is cut into as many rounds as its share of the
 * time allows in `slicesMax`; there is at least one round for each batch, and counts are whole.
 */
export function timelineOf(strategy: TracedStrategy, slicesMax: number): PhaseTimeline[] {
  let end = 0;
  const total = strategy.phases.reduce((sum, phase) => sum + durationOf(phase), 0);
  return strategy.phases.map((phase) => {
    const from = end;
    end = from + durationOf(phase);
    return {
      phase,
      from,
      to: end,
      rounds: () => roundsOf(phase, from, total === 0 ? 0 : slicesMax / total),
    };
  });
}

function batchDuration(
  { unitNs }: TimedPhase,
  kinds: readonly number[],
  counts: readonly number[],
) {
  return kinds.reduce((sum, kind, at) => sum + (unitNs[kind] ?? 0) * (counts[at] ?? 0), 0);
}

function durationOf(phase: TimedPhase): number {
  return phase.batches.reduce((sum, { kinds, counts }) => {
    return sum + batchDuration(phase, kinds, counts);
  }, 0);
}

function* roundsOf(phase: TimedPhase, from: number, slicesPerNs: number): Generator<Round> {
  let at = from;
  for (const { kinds, counts } of phase.batches) {
    const slices = batchDuration(phase, kinds, counts) * slicesPerNs;
    const rounds = Math.max(1, Math.min(Math.floor(slices / kinds.length), Math.max(...counts)));
    for (let round = 0; round < rounds; round++) {
      const made: Slice[] = [];
      for (const [index, kind] of kinds.entries()) {
        const all = counts[index] ?? 0;
        const count = before(all, round + 1, rounds) - before(all, round, rounds);
        if (count === 0) continue;
        const to = at + count * (phase.unitNs[kind] ?? 0);
        made.push({ kind, count, from: at, to });
        at = to;
      }
      yield made;
    }
  }
}

/** How many of `all` things are done before a round, exact for counts up to 2^53. */
function before(all: number, round: number, rounds: number): number {
  const each = Math.floor(all / rounds);
  const rest = all - each * rounds;
  return each * round + Math.floor((rest * round) / rounds);
}
