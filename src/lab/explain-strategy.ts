import type {
  CallPolicy,
  Doubt,
  KernelGeneration,
  PolicyName,
  Strategy,
  TeardownStep,
} from "../kvm/generations/generation.ts";
import { formulasOf, LEGEND, type StepHostWork } from "./explain-formulas.ts";
import { locksOf } from "./module-locks.ts";
import { isAtWork, WHAT_IFS, type WhatIf } from "./what-if.ts";

export interface ExplainedCall {
  readonly leaf: string;
  readonly formula: string;
  /** Locks of the module that it takes; empty where they are not told. */
  readonly moduleLocks: string;
  /** What KVM does about a status that is no success. */
  readonly retries: string;
  /** Section of the reference, and what it rests on. */
  readonly source: string;
}

export interface ExplainedStep {
  readonly step: TeardownStep;
  readonly phase: string;
  readonly title: string;
  /** Inside the sub-command that starts the strategy, or after file descriptors are closed. */
  readonly inIoctl: boolean;
  /** Locks of the host, outermost first. */
  readonly locks: readonly string[];
  readonly calls: readonly ExplainedCall[];
  readonly hostWork: readonly { readonly work: StepHostWork["work"]; readonly formula: string }[];
}

/** What a strategy does in one kernel generation: `procedure` of `explain`. */
export interface ExplainedStrategy {
  readonly kernel: string;
  readonly strategy: string;
  readonly status: string;
  readonly trigger: string;
  readonly command: string | null;
  readonly source: string;
  readonly legend: string;
  readonly steps: readonly ExplainedStep[];
  /** What the reference calls INFERRED or UNCONFIRMED. */
  readonly doubts: readonly Doubt[];
  /** What is left out on purpose. */
  readonly notModelled: readonly string[];
  readonly whatIf: readonly { readonly name: string; readonly reliesOn: string }[];
}

/** kvm-teardown 1.2, second row: told wherever TRACK is. */
const FLUSH_HOOK =
  "TRACKs of the remote-TLB-flush hook: one more for each flush of the whole VM, and one for each " +
  "vCPU when it first runs (kvm-teardown 1.2)";

/** How a strategy goes in a kernel generation, from the data that the generation runs on. */
export function explainStrategy(
  plain: KernelGeneration,
  strategy: Strategy,
  whatIfs: readonly WhatIf[] = [],
): ExplainedStrategy {
  const generation = whatIfs.reduce((changed, { name }) => WHAT_IFS[name].apply(changed), plain);
  const atWork = whatIfs.filter((whatIf) => isAtWork(whatIf, strategy));
  return {
    kernel: generation.name,
    strategy: strategy.name,
    status: `${generation.status}: ${generation.statusNote}`,
    trigger: strategy.trigger,
    command: strategy.command ?? null,
    source: `${strategy.source}; ${generation.source}`,
    legend: LEGEND,
    steps: strategy.steps.map((step, i) => explainStep(generation, strategy, step, i)),
    doubts: [...(strategy.doubts ?? []), ...generation.doubts],
    notModelled: strategy.steps.includes("remove-leaves") ? [FLUSH_HOOK] : [],
    whatIf: atWork.map(({ name, text }) => ({ name: text, reliesOn: WHAT_IFS[name].reliesOn })),
  };
}

function explainStep(
  generation: KernelGeneration,
  strategy: Strategy,
  step: TeardownStep,
  index: number,
): ExplainedStep {
  const { title, phase, calls, hostWork } = formulasOf(generation, step);
  const inIoctl = index < strategy.stepsInIoctl;
  return {
    step,
    phase,
    title,
    inIoctl,
    locks: [...(inIoctl ? (strategy.ioctlLocks ?? []) : []), ...generation.locks[step]],
    calls: calls.map(({ leaf, formula, policy, source }) => ({
      leaf,
      formula: formula.text,
      moduleLocks: locksOf(leaf),
      retries: policy === null ? releaseRetries(generation, leaf) : retriesOf(generation, policy),
      source,
    })),
    hostWork: hostWork.map(({ work, formula }) => ({ work, formula: formula.text })),
  };
}

/** The retries of a call in words. */
export function retriesOf(generation: KernelGeneration, name: PolicyName): string {
  return inWords(generation.policies[name]);
}

function inWords({ retryOn = [], tries = 1, kicks = false }: CallPolicy): string {
  if (retryOn.length === 0 || tries === 1) return "not repeated";
  const statuses = retryOn.map((status) => status.replace(/^TDX_/, "")).join(" or ");
  const often = Number.isFinite(tries) ? `${tries} calls at most` : "without bound";
  return `repeated on ${statuses}, ${often}${kicks ? ", every vCPU kicked out in between" : ""}`;
}

/** Calls of `tdx_mmu_release_hkid`, which have no policy of their own (C.2, D.1 step 3). */
function releaseRetries({ flushPasses, cacheWbCalls }: KernelGeneration, leaf: string): string {
  if (leaf === "TDH.MNG.VPFLUSHDONE") {
    return Number.isFinite(flushPasses)
      ? "FLUSHVP_NOT_DONE: given up, HKID and control pages leak silently"
      : "FLUSHVP_NOT_DONE: all over again from VP.FLUSH on, without bound";
  }
  if (leaf === "TDH.PHYMEM.CACHE.WB") {
    return Number.isFinite(cacheWbCalls)
      ? `INTERRUPTED_RESUMABLE: resumed, ${cacheWbCalls} calls a package at most`
      : "INTERRUPTED_RESUMABLE: resumed, without bound";
  }
  return "not repeated";
}
