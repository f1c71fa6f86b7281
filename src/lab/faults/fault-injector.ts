import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { SeamcallInterposer } from "../../kvm/seamcall-interposer.ts";
import type { Leaf } from "../../module/leaf.ts";
import { EMULATED, NEWER_LEAVES } from "../../module/leaf-table.ts";
import { type CallEnvironment, QUIET, type TdxModule } from "../../module/module.ts";
import { RAX, RCX, type Registers } from "../../module/registers.ts";
import { Status } from "../../module/status.ts";
import type { OperandName, StatusName } from "../../module/status-codes.ts";
import { Failure } from "../../units/failure.ts";
import { PAGE_SIZE } from "../../units/page.ts";
import { ANY_LEAF, type FaultPlan } from "./fault-plan.ts";
import { legalFaults } from "./legal-statuses.ts";

/** Parts the seed for each plan (golden ratio of 32 bits), so that plans do not share their draws. */
const SEED_STEP = 0x9e37_79b9;

/** Faults that the hardware around the module causes: the module answers them itself. */
const CAUSES: Readonly<Record<string, Partial<CallEnvironment>>> = {
  "TDH.PHYMEM.CACHE.WB TDX_INTERRUPTED_RESUMABLE": { quietTests: 0 },
  "TDH.MNG.KEY.CONFIG TDX_KEY_GENERATION_FAILED": { pconfig: "ENTROPY_ERROR" },
  "TDH.MNG.KEY.CONFIG TDX_OPERAND_BUSY|KET": { pconfig: "DEVICE_BUSY" },
  "TDH.MNG.CREATE TDX_RND_NO_ENTROPY": { hasEntropy: false },
  "TDH.MNG.ADDCX TDX_RND_NO_ENTROPY": { hasEntropy: false },
};

/** A plan at work: how often it may still strike, and at which call next. */
class ActiveFault {
  readonly plan: FaultPlan;
  readonly status: Status;
  /** Number of the next call that fails, among those the plan counts; infinite when it is over. */
  next: number;
  fired = 0;
  readonly #draw: () => number;

  constructor(plan: FaultPlan, seed: number) {
    this.plan = plan;
    const [name, operand] = plan.status.split("|");
    this.status = Status.of(name as StatusName, operand as OperandName | undefined);
    const random = xoroshiro128plus(seed | 0);
    this.#draw = () => uniformFloat64(random);
    this.next = this.#after(0);
  }

  /** Whether the call with this number, on this page, fails. */
  strikes(call: number, address: number): boolean {
    const { place } = this.plan;
    if (place.kind === "page") return address === place.address && this.fired < place.times;
    return call === this.next;
  }

  /** The call with this number is made, whether it failed or not. */
  pass(call: number): void {
    if (call >= this.next) this.next = this.#after(call);
  }

  /** The first call after number `call` that is to fail. */
  #after(call: number): number {
    const { place } = this.plan;
    if (place.kind === "page") return Number.POSITIVE_INFINITY;
    if (place.kind === "calls") {
      const next = Math.max(place.from, call + 1);
      return next < place.from + place.times ? next : Number.POSITIVE_INFINITY;
    }
    if (place.p === 1) return call + 1;
    // Calls until the next that fails are distributed geometrically: no draw for each of them.
    const gap = Math.floor(Math.log1p(-this.#draw()) / Math.log1p(-place.p));
    return call + 1 + gap;
  }
}

/**
 * Makes SEAMCALLs fail as planned. It stands between KVM and the module and leaves both as they
 * are: a call that fails here is not executed, so nothing changes (invariant I-9), and what happens
 * next is KVM's own policy. Same plans and seed, same faults.
 */
export class FaultInjector implements SeamcallInterposer {
  readonly #module: TdxModule;
  readonly #faults: readonly ActiveFault[];
  /** Calls by leaf number, and of all leaves. */
  readonly #calls = new Float64Array(128);
  #allCalls = 0;

  /** @throws Failure `usage` for a fault that this platform cannot have */
  constructor(module: TdxModule, plans: readonly FaultPlan[], seed: number) {
    this.#module = module;
    this.#faults = plans.map((plan, i) => new ActiveFault(plan, seed + Math.imul(i, SEED_STEP)));
    for (const { text, leaf, status } of plans) {
      const isWhole = module.platform.cacheSubBlocks === 1;
      if (isWhole && CAUSES[`${leaf} ${status}`]?.quietTests === 0) {
        throw new Failure("usage", `fault "${text}": the caches are written back in one part`, {
          hint: "take a platform with cacheSubBlocks above 1",
        });
      }
    }
  }

  seamcall(lp: number, r: Registers, count: number): Status {
    const number = r.low[RAX] as number;
    const before = this.#calls[number] as number;
    this.#calls[number] = before + count;
    this.#allCalls += count;
    if (count > 1) return this.#module.seamcall(lp, r, count);
    const struck = this.#struck(number, r);
    for (const fault of this.#faults) {
      if (isOf(fault, number)) fault.pass(this.#numberFor(fault, number));
    }
    if (struck === undefined) return this.#module.seamcall(lp, r, 1);
    struck.fired++;
    const cause = CAUSES[`${NAMES[number]} ${struck.plan.status}`];
    if (cause === undefined) return struck.status;
    return this.#module.seamcall(lp, r, 1, { ...QUIET, ...cause });
  }

  #struck(number: number, r: Registers): ActiveFault | undefined {
    const address = this.#pageOf(r.low[RCX] as number);
    return this.#faults.find(
      (fault) =>
        isOf(fault, number) &&
        fault.strikes(this.#numberFor(fault, number), address) &&
        mayAnswer(fault.plan, number),
    );
  }

  #numberFor({ plan }: ActiveFault, number: number): number {
    return plan.leaf === ANY_LEAF ? this.#allCalls : (this.#calls[number] as number);
  }

  /** The page that RCX names, less level or flags below it and the HKID above. */
  #pageOf(rcx: number): number {
    return Math.floor((rcx % 2 ** this.#module.platform.hkidShift) / PAGE_SIZE) * PAGE_SIZE;
  }

  untouchedCalls(leaf: Leaf): number {
    let calls = Number.POSITIVE_INFINITY;
    for (const fault of this.#faults) {
      if (!isOf(fault, leaf.number) || fault.next === Number.POSITIVE_INFINITY) continue;
      // Counted over all leaves, the order of calls inside a span would matter.
      if (fault.plan.leaf === ANY_LEAF) return 0;
      calls = Math.min(calls, fault.next - 1 - this.#numberFor(fault, leaf.number));
    }
    return calls;
  }

  untouchedOperands(leaf: Leaf, rcx: number, stride: number, most: number): number {
    let untouched = most;
    for (const { plan, fired } of this.#faults) {
      const { place } = plan;
      if (place.kind !== "page" || fired >= place.times || !isNamed(plan, leaf.name)) continue;
      const first = this.#pageOf(rcx);
      const distance = (place.address - first) / Math.abs(stride || PAGE_SIZE);
      if (stride === 0 && distance !== 0) continue;
      if (distance >= 0 && distance < untouched) untouched = Math.floor(distance);
    }
    return untouched;
  }

  /** Plans that never struck, as they were written. */
  get idle(): readonly string[] {
    return this.#faults.filter(({ fired }) => fired === 0).map(({ plan }) => plan.text);
  }
}

const NAMES: readonly (string | undefined)[] = namesByNumber();

function namesByNumber(): (string | undefined)[] {
  const names = NEWER_LEAVES.map((leaf) => leaf?.name);
  for (const { name, number } of EMULATED) names[number] = name;
  return names;
}

function isNamed(plan: FaultPlan, leaf: string | undefined): boolean {
  return plan.leaf === ANY_LEAF || plan.leaf === leaf;
}

function isOf({ plan }: ActiveFault, number: number): boolean {
  return isNamed(plan, NAMES[number]);
}

/** A fault of any leaf strikes only one that may answer so. */
function mayAnswer(plan: FaultPlan, number: number): boolean {
  return plan.isAnyStatus || legalFaults(NAMES[number] ?? "").includes(plan.status);
}
