import type { HostWorkKind, SeamcallObserver } from "../../kvm/seamcall-port.ts";
import { Ledger } from "../../ledger/ledger.ts";
import type { PageSizeLevel } from "../../ledger/stored-phase.ts";

/** What is counted together: calls of one leaf, status, page size and LP, or one host work. */
export type TraceKind =
  | {
      readonly kind: "seamcall";
      readonly leaf: string;
      readonly status: string;
      /** 0, 1, 2 or -1 where the call names no page size. */
      readonly pageSize: number;
      readonly lp: number;
    }
  | { readonly kind: "host"; readonly work: HostWorkKind };

/** Things that took turns: one of each kind, then one of each again, until all counts are done. */
export interface TraceBatch {
  /** Indices into the kinds of the recording, in the order in which they took turns. */
  readonly kinds: readonly number[];
  readonly counts: readonly number[];
}

export interface TracePhase {
  readonly phase: string;
  readonly batches: readonly TraceBatch[];
}

interface OpenBatch {
  kinds: number[];
  counts: number[];
}

interface OpenPhase {
  readonly phase: string;
  batches: OpenBatch[];
}

const BATCH_ENTRIES = 10_000;

/**
 * Remembers in which order a teardown made its SEAMCALLs, in bounded memory: what took turns is
 * one batch whatever its length, and if there are too many different batches, neighbours become
 * one. The counts stay exact.
 */
export class TraceRecorder implements SeamcallObserver {
  /** Counts of what was recorded; the same as the teardown's own when it was seen from its start. */
  readonly ledger = new Ledger();
  readonly kinds: TraceKind[] = [];
  readonly #indices = new Map<string, number>();
  readonly #phases: OpenPhase[] = [];
  readonly #entriesMax: number;
  #open: OpenBatch = { kinds: [], counts: [] };
  #entries = 0;

  /** @param entriesMax about how many counts of a kind in a batch are kept apart */
  constructor(entriesMax = BATCH_ENTRIES) {
    this.#entriesMax = entriesMax;
  }

  phase(name: string): void {
    this.ledger.phase(name);
    this.#close();
    if (this.#phases.at(-1)?.phase === name) return;
    this.#phases.push({ phase: name, batches: [] });
  }

  seamcalls(
    leafNumber: number,
    leaf: string,
    status: string,
    count: number,
    pageSize: number,
    lp: number,
  ): void {
    this.ledger.seamcalls(leafNumber, leaf, status, count, pageSize as PageSizeLevel);
    const key = `${leaf} ${status} ${pageSize} ${lp}`;
    this.#add(this.#index(key, { kind: "seamcall", leaf, status, pageSize, lp }), count);
  }

  hostWork(work: HostWorkKind, count: number): void {
    this.ledger.hostWork(work, count);
    this.#add(this.#index(work, { kind: "host", work }), count);
  }

  /** The phases in their order; a phase that was come back to is there again. */
  phases(): readonly TracePhase[] {
    this.#close();
    return this.#phases;
  }

  #index(key: string, kind: TraceKind): number {
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.kinds.push(kind) - 1;
      this.#indices.set(key, index);
    }
    return index;
  }

  #add(kind: number, count: number): void {
    if (count === 0) return;
    if (this.#open.kinds.includes(kind)) this.#close();
    this.#open.kinds.push(kind);
    this.#open.counts.push(count);
  }

  #close(): void {
    const batch = this.#open;
    if (batch.kinds.length === 0) return;
    this.#open = { kinds: [], counts: [] };
    const phase = this.#phases.at(-1);
    if (phase === undefined) throw new Error("calls were recorded before any phase");
    const last = phase.batches.at(-1);
    if (last !== undefined && isSameTurn(last, batch)) {
      merge(last, batch);
      return;
    }
    phase.batches.push(batch);
    this.#entries += batch.kinds.length;
    if (this.#entries > this.#entriesMax) this.#coarsen();
  }

  /** Makes one batch of every two neighbours, until half of the room is free or nothing is left. */
  #coarsen(): void {
    let before = Number.POSITIVE_INFINITY;
    while (this.#entries > this.#entriesMax / 2 && this.#entries < before) {
      before = this.#entries;
      this.#entries = 0;
      for (const phase of this.#phases) {
        phase.batches = inPairs(phase.batches);
        for (const { kinds } of phase.batches) this.#entries += kinds.length;
      }
    }
  }
}

function isSameTurn(one: OpenBatch, other: OpenBatch): boolean {
  return (
    one.kinds.length === other.kinds.length &&
    one.kinds.every((kind, index) => kind === other.kinds[index])
  );
}

/** Adds `other` to `batch`; kinds it does not have yet come last. */
function merge(batch: OpenBatch, other: OpenBatch): void {
  for (const [index, kind] of other.kinds.entries()) {
    const count = other.counts[index] as number;
    const at = batch.kinds.indexOf(kind);
    if (at >= 0) batch.counts[at] = (batch.counts[at] as number) + count;
    else {
      batch.kinds.push(kind);
      batch.counts.push(count);
    }
  }
}

function inPairs(batches: readonly OpenBatch[]): OpenBatch[] {
  const merged: OpenBatch[] = [];
  for (const [index, batch] of batches.entries()) {
    const last = merged.at(-1);
    if (index % 2 === 1 && last !== undefined) merge(last, batch);
    else merged.push(batch);
  }
  return merged;
}

/** An observer that tells two others. */
export function bothOf(first: SeamcallObserver, second: SeamcallObserver): SeamcallObserver {
  return {
    phase(name) {
      first.phase(name);
      second.phase(name);
    },
    seamcalls(leafNumber, leafName, status, count, pageSize, lp) {
      first.seamcalls(leafNumber, leafName, status, count, pageSize, lp);
      second.seamcalls(leafNumber, leafName, status, count, pageSize, lp);
    },
    hostWork(kind, count) {
      first.hostWork(kind, count);
      second.hostWork(kind, count);
    },
  };
}
