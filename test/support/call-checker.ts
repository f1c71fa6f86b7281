import { answersOf } from "../../src/lab/leaf-coverage.ts";
import type { StepEvent } from "../../src/lab/replay/run-sequence.ts";
import { ENTERED_GUEST, type Sequence, TD_EXIT } from "../../src/lab/replay/sequence.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { HKID_FREE } from "../../src/module/key-ownership.ts";
import { effectsOfFailure, withoutDetails } from "../../src/module/leaf-statuses.ts";
import { TdxModule } from "../../src/module/module.ts";
import { PT_NDA, PT_RSVD } from "../../src/module/page-types.ts";
import { RCX, RDX } from "../../src/module/registers.ts";
import { type ModuleSnapshot, moduleToJSON } from "../../src/module/snapshot.ts";
import { needsTlbTracking } from "../../src/module/tdcs.ts";
import type { Td } from "../../src/module/tdr.ts";

/** Leaves that end a block, and may only once its epoch has passed (I-12). */
const UNBLOCKING: readonly string[] = [
  "TDH.MEM.RANGE.UNBLOCK",
  "TDH.MEM.PAGE.REMOVE",
  "TDH.MEM.PAGE.PROMOTE",
  "TDH.MEM.PAGE.DEMOTE",
  "TDH.MEM.SEPT.REMOVE",
];

/**
 * Asserts the invariants I-1 to I-13 after every step of a replay: those of one state by
 * `checkInvariants`, those of a call by comparing the state before and after it.
 */
export class CallChecker {
  #sequence: Sequence | null = null;
  #before!: ModuleSnapshot;
  /** Epoch in which a range was blocked, by TDR address and page-info. */
  readonly #blocked = new Map<string, number>();
  readonly #blockNumbers = new WeakMap<Uint8Array, number>();
  #lastBlockNumber = 0;

  readonly observe = (event: StepEvent): void => {
    const { module: m, leaf, status } = event;
    if (event.sequence !== this.#sequence) this.#begin(event);
    const after = this.#stateOf(m);
    const broken = checkInvariants(m);
    broken.push(...lifecycleViolations(this.#before, after));
    if (leaf !== null && status !== null) {
      broken.push(...this.#statusViolations(leaf, status, after));
      if (isDone(status)) broken.push(...this.#trackingViolations(event, leaf));
    }
    if (m.tds.size === 0) broken.push(...teardownViolations(m));
    if (broken.length > 0) {
      const { sequence, index } = event;
      throw new Error(`${sequence.id} step ${index} ${leaf} ${status}: ${broken.join("; ")}`);
    }
    this.#before = after;
  };

  /** A snapshot in which host memory is told by the identity of its blocks, not byte by byte. */
  #stateOf(m: TdxModule): ModuleSnapshot {
    const toJSON = (): [number, number[]][] =>
      [...m.hostMemory.blocks()].map(([block, bytes]) => [block, [this.#numberOf(bytes)]]);
    return moduleToJSON(Object.create(m, { hostMemory: { value: { toJSON } } }) as TdxModule);
  }

  #numberOf(bytes: Uint8Array): number {
    const number = this.#blockNumbers.get(bytes) ?? ++this.#lastBlockNumber;
    this.#blockNumbers.set(bytes, number);
    return number;
  }

  #begin({ sequence }: StepEvent): void {
    this.#sequence = sequence;
    this.#before = this.#stateOf(new TdxModule(sequence.platform));
    this.#blocked.clear();
  }

  /** I-9 and I-10. */
  #statusViolations(leaf: string, status: string, after: ModuleSnapshot): string[] {
    const answer = withoutDetails(status);
    const known = leaf.startsWith("LEAF_") ? ["TDX_OPERAND_INVALID|RAX"] : answersOf(leaf);
    const broken = known.includes(answer) ? [] : ["I-10: the ABI does not list this status"];
    if (isDone(status) || status === TD_EXIT) return broken;
    const ignored: readonly string[] = effectsOfFailure(leaf, answer);
    const text = (snapshot: ModuleSnapshot): string =>
      JSON.stringify(snapshot, (key, value) => (ignored.includes(key) ? undefined : value));
    if (text(this.#before) !== text(after)) broken.push("I-9: the failed call changed the state");
    return broken;
  }

  /** I-12: what was blocked is given up only when no vCPU can be in the epoch of the block. */
  #trackingViolations({ step, module: m }: StepEvent, leaf: string): string[] {
    if (step.op !== "seamcall") return [];
    const operand = (register: number): number =>
      step.in.find((each) => each.register === register)?.low ?? 0;
    const tdr = operand(RDX) - (operand(RDX) % 2);
    const td = m.tds.get(tdr / 4096);
    if (td === undefined) return [];
    const key = `${tdr}/${operand(RCX)}`;
    if (leaf === "TDH.MEM.RANGE.BLOCK") this.#blocked.set(key, td.tdcs.tdEpoch);
    if (!UNBLOCKING.includes(leaf)) return [];
    const epoch = this.#blocked.get(key);
    this.#blocked.delete(key);
    return needsTlbTracking(td.tdcs.opState) ? untracked(m, td, epoch) : [];
  }
}

function isDone(status: string): boolean {
  return status === "TDX_SUCCESS" || status === ENTERED_GUEST;
}

function untracked(m: TdxModule, td: Td, blockEpoch: number | undefined): string[] {
  if (blockEpoch === undefined) return ["I-12: the range was not blocked"];
  if (blockEpoch >= td.tdcs.tdEpoch) return ["I-12: no TRACK since the block"];
  const isInside = m.guests.some((vcpu) => vcpu?.td === td && vcpu.vcpuEpoch <= blockEpoch);
  return isInside ? ["I-12: a vCPU of the block's epoch is in the guest"] : [];
}

/** I-6 and I-8: no TD goes back in its life, and none goes while it has pages. */
function lifecycleViolations(before: ModuleSnapshot, after: ModuleSnapshot): string[] {
  const broken: string[] = [];
  for (const td of before.tds) {
    const now = after.tds.find(({ page }) => page === td.page);
    if (now === undefined && td.chldcnt !== 0) broken.push("I-8: a TD with pages is gone");
    if (now !== undefined && now.lifecycle < td.lifecycle) broken.push("I-6: a TD went back");
  }
  return broken;
}

/** I-13: with no TD left every page is free, every HKID is, and no lock is held. */
function teardownViolations(m: TdxModule): string[] {
  const broken: string[] = [];
  for (const size of [0, 1, 2] as const) {
    for (const { start } of m.pamt.tables[size].runs()) {
      const type = m.pamt.type(start, size);
      if (type !== PT_NDA && type !== PT_RSVD) broken.push(`I-13: page ${start} is not free`);
    }
  }
  const { first, global } = m.platform.hkids;
  for (const [i, { state, wbinvdBitmap }] of m.kot.entries()) {
    if (first + i === global) continue;
    if (state !== HKID_FREE || wbinvdBitmap !== 0) broken.push(`I-13: HKID ${first + i} is in use`);
  }
  if (m.pamt.locks.guestCount > 0) broken.push("I-13: a lock is held");
  return broken;
}
