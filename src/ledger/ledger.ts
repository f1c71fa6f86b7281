import {
  HOST_WORK_KINDS,
  type HostWorkKind,
  type LedgerTotals,
  type PhaseCounts,
  totalsOf,
} from "./phase-counts.ts";
import { PhaseTally } from "./phase-tally.ts";
import { countsOfPhase, type PageSizeLevel, type StoredPhase } from "./stored-phase.ts";

/** A ledger as plain data, kept with a TD between commands. */
export interface LedgerSnapshot {
  readonly phases: readonly StoredPhase[];
}

function isUsed({ calls, hostWork }: StoredPhase): boolean {
  return calls.length > 0 || HOST_WORK_KINDS.some((kind) => (hostWork[kind] ?? 0) > 0);
}

/**
 * Counts SEAMCALLs and host work by phase, exactly. It is what KVM code is observed by: what it
 * is told is all it knows, so a count can only come from a call that was made.
 */
export class Ledger {
  /** Whoever tells it may tell of alike calls on several LPs at once. */
  readonly heedsLps = false;
  readonly #tallies = new Map<string, PhaseTally>();
  #current: PhaseTally | undefined;
  /** What the ledger was restored from, until it counts again: most of a store's never do. */
  #stored: LedgerSnapshot | null = null;

  /** Says what the following calls belong to; coming back to a phase goes on counting in it. */
  phase(name: string): void {
    if (this.#stored !== null) this.#unfold(this.#stored);
    let tally = this.#tallies.get(name);
    if (tally === undefined) {
      tally = new PhaseTally(name);
      this.#tallies.set(name, tally);
    }
    this.#current = tally;
  }

  /**
   * Counts `count` calls of one leaf that all returned `statusText` (name with operand, such as
   * `TDX_OPERAND_BUSY|RCX`). Throws when no phase was named before.
   */
  seamcalls(
    leafNumber: number,
    leafName: string,
    statusText: string,
    count: number,
    pageSize: PageSizeLevel,
  ): void {
    this.#tally().seamcalls(leafNumber, leafName, statusText, count, pageSize);
  }

  /** Counts what the kernel did besides SEAMCALLs; throws when no phase was named before. */
  hostWork(kind: HostWorkKind, count: number): void {
    this.#tally().hostWork(kind, count);
  }

  #tally(): PhaseTally {
    if (this.#current === undefined) throw new Error("calls were counted before any phase");
    return this.#current;
  }

  /** Counts by phase in order of first use; phases in which nothing happened are left out. */
  phases(): PhaseCounts[] {
    return this.toJSON().phases.filter(isUsed).map(countsOfPhase);
  }

  totals(): LedgerTotals {
    return totalsOf(this.phases());
  }

  /** Adds another ledger's counts to this one's, phase by phase; the current phase stays. */
  add(other: Ledger): void {
    const current = this.#current;
    this.#replay(other.toJSON());
    this.#current = current;
  }

  toJSON(): LedgerSnapshot {
    return this.#stored ?? { phases: [...this.#tallies.values()].map((tally) => tally.stored()) };
  }

  /** The ledger a snapshot was taken from; no phase is current. */
  static fromJSON(snapshot: LedgerSnapshot): Ledger {
    const ledger = new Ledger();
    ledger.#stored = snapshot;
    return ledger;
  }

  /** A ledger with the same counts; no phase is current. */
  clone(): Ledger {
    const copy = new Ledger();
    copy.#stored = this.#stored;
    for (const [phase, tally] of this.#tallies) copy.#tallies.set(phase, tally.clone());
    return copy;
  }

  #unfold(snapshot: LedgerSnapshot): void {
    this.#stored = null;
    this.#replay(snapshot);
  }

  #replay(snapshot: LedgerSnapshot): void {
    for (const { phase, calls, hostWork } of snapshot.phases) {
      this.phase(phase);
      for (const [leafNumber, leafName, pageSize, status, count] of calls) {
        this.seamcalls(leafNumber, leafName, status, count, pageSize);
      }
      for (const kind of HOST_WORK_KINDS) this.hostWork(kind, hostWork[kind] ?? 0);
    }
  }
}
