import type {
  Doubt,
  IoctlRule,
  KernelGeneration,
  PolicyName,
  SubCommand,
} from "../kvm/generations/generation.ts";
import { formulasOf } from "./explain-formulas.ts";
import { retriesOf } from "./explain-strategy.ts";
import { GENERATIONS, strategyNames } from "./kernels.ts";

/** What one strategy of a generation takes, as formulas (kvm-teardown 1.1). */
export interface StrategyFacts {
  readonly strategy: string;
  readonly trigger: string;
  /** SEAMCALLs of one private leaf of 4 KiB, of one of 2 MiB, and of the TD besides. */
  readonly perSmallLeaf: number;
  readonly perLargeLeaf: number;
  readonly perTd: string;
  readonly source: string;
}

/** A kernel generation for people and programs: `kernels`. */
export interface KernelFacts {
  readonly kernel: string;
  readonly title: string;
  readonly status: string;
  readonly statusNote: string;
  readonly section: string;
  readonly source: string;
  readonly commands: readonly SubCommand[];
  readonly strategies: readonly StrategyFacts[];
  readonly retries: readonly { readonly call: string; readonly retries: string }[];
  readonly rules: readonly IoctlRule[];
  /** Strategies of other generations: their sub-command is unknown here. */
  readonly lacks: readonly string[];
  /** What stays behind when a call fails for good. */
  readonly leaks: readonly string[];
  readonly clears: KernelGeneration["clears"];
  readonly pageSizes: readonly string[];
  readonly doubts: readonly Doubt[];
}

/** `tdx-sim/kernels/v1`: every generation. */
export interface KernelsDocument {
  readonly schema: "tdx-sim/kernels/v1";
  readonly kernels: readonly KernelFacts[];
}

/** Calls by policy, in the order of a TD's life. */
const POLICY_CALLS: Readonly<Record<PolicyName, string>> = {
  mngCreate: "TDH.MNG.CREATE",
  mngAddcx: "TDH.MNG.ADDCX",
  keyConfig: "TDH.MNG.KEY.CONFIG",
  mrFinalize: "TDH.MR.FINALIZE",
  septAdd: "TDH.MEM.SEPT.ADD",
  pageAdd: "TDH.MEM.PAGE.ADD",
  pageAug: "TDH.MEM.PAGE.AUG",
  rangeBlock: "TDH.MEM.RANGE.BLOCK",
  memTrack: "TDH.MEM.TRACK",
  pageRemove: "TDH.MEM.PAGE.REMOVE",
  pageDemote: "TDH.MEM.PAGE.DEMOTE",
  pageWbinvd: "TDH.PHYMEM.PAGE.WBINVD",
  pageReclaim: "TDH.PHYMEM.PAGE.RECLAIM",
  tdrWbinvd: "TDH.PHYMEM.PAGE.WBINVD of the TDR",
};

export function kernelsDocument(
  names: readonly string[] = [...GENERATIONS.keys()],
): KernelsDocument {
  const kernels = [...GENERATIONS.values()].filter(({ name }) => names.includes(name));
  return { schema: "tdx-sim/kernels/v1", kernels: kernels.map(kernelFacts) };
}

function kernelFacts(generation: KernelGeneration): KernelFacts {
  const { name, title, status, statusNote, section, source, commands, rules } = generation;
  return {
    kernel: name,
    title,
    status,
    statusNote,
    section: `kvm-teardown ${section}`,
    source,
    commands,
    strategies: generation.strategies.map((strategy) => ({
      strategy: strategy.name,
      trigger: strategy.trigger,
      perSmallLeaf: callsPerLeaf(generation, strategy.steps, "small"),
      perLargeLeaf: callsPerLeaf(generation, strategy.steps, "large"),
      perTd: callsPerTd(generation, strategy.steps),
      source: strategy.source,
    })),
    retries: retriesByCall(generation),
    rules,
    lacks: strategyNames().filter(
      (each) => !generation.strategies.some(({ name: own }) => own === each),
    ),
    leaks: leaksOf(generation),
    clears: generation.clears,
    pageSizes: generation.leafLevels.map((level) => (level === 1 ? "2M" : "4K")),
    doubts: [...generation.doubts, ...generation.strategies.flatMap((each) => each.doubts ?? [])],
  };
}

const NONE = {
  small: 0,
  large: 0,
  tables: 0,
  vcpus: 0,
  tdvpx: 5,
  tdcx: 6,
  packages: 1,
  finalized: 1,
} as const;

type Steps = KernelGeneration["strategies"][number]["steps"];

/** What one leaf more makes: the formulas are linear in the leaves. */
function callsPerLeaf(generation: KernelGeneration, steps: Steps, size: "small" | "large"): number {
  const total = (count: number): number => {
    const terms = { ...NONE, [size]: count };
    const counts = steps.flatMap((step) => formulasOf(generation, step).calls);
    return counts.reduce((sum, { formula }) => sum + (formula.of?.(terms) ?? 0), 0);
  };
  return total(2) - total(1);
}

/** The calls of a TD that do not depend on its leaves, in letters. */
function callsPerTd(generation: KernelGeneration, steps: Steps): string {
  const counts = new Map<string, number>();
  for (const { formula } of steps.flatMap((step) => formulasOf(generation, step).calls)) {
    if (!/[NL]/.test(formula.text)) counts.set(formula.text, (counts.get(formula.text) ?? 0) + 1);
  }
  const ones = counts.get("1") ?? 0;
  const named = [...counts].filter(([text]) => text !== "1");
  const words = named.map(([text, times]) => (times === 1 ? text : `${times} x (${text})`));
  return [...words, ...(ones === 0 ? [] : [String(ones)])].join(" + ");
}

function retriesByCall(generation: KernelGeneration): KernelFacts["retries"] {
  const { flushPasses, cacheWbCalls } = generation;
  const own = Object.entries(POLICY_CALLS).map(([policy, call]) => ({
    call,
    retries: retriesOf(generation, policy as PolicyName),
  }));
  const passes = Number.isFinite(flushPasses) ? "given up" : "all over again, without bound";
  const calls = Number.isFinite(cacheWbCalls)
    ? `${cacheWbCalls} calls a package at most`
    : "without bound";
  return [
    ...own,
    { call: "TDH.MNG.VPFLUSHDONE", retries: `on FLUSHVP_NOT_DONE ${passes}` },
    { call: "TDH.PHYMEM.CACHE.WB", retries: `resumed on INTERRUPTED_RESUMABLE, ${calls}` },
  ];
}

function leaksOf({ flushPasses }: KernelGeneration): string[] {
  return [
    "a removal that fails: KVM_BUG_ON, and the page stays behind",
    "a RECLAIM that fails: the page, and with it the TDR",
    Number.isFinite(flushPasses)
      ? "FLUSHVP_NOT_DONE: silently HKID, Secure EPT and control pages"
      : "VPFLUSHDONE or KEY.FREEID that fails otherwise: HKID, Secure EPT and control pages",
  ];
}
