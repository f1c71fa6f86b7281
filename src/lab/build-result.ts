import { intervalRatio, weakestBasis } from "../cost/interval.ts";
import type { Profile } from "../cost/profile.ts";
import { profileSha256 } from "../cost/profile-checksum.ts";
import type { KernelGeneration, Strategy } from "../kvm/generations/generation.ts";
import { totalsOf } from "../ledger/phase-counts.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { strategyOf } from "./kernels.ts";
import {
  type ComparisonEntry,
  type EstimatedInterval,
  populatedBytes,
  type Result,
  type StrategyResult,
  type TdDescription,
  type TdSource,
  type Trouble,
} from "./result.ts";
import type { HostedTd, SimulatedHost } from "./simulated-host.ts";
import { controlPages, pagesLeaked } from "./td-report.ts";
import { estimateTeardown } from "./teardown-estimate.ts";
import { MODULE_VERSION, VERSION } from "./version.ts";
import { isAtWork, type WhatIf, whatIfWarnings } from "./what-if.ts";

/** The TD as it is before its teardown. */
export function describeTd(td: HostedTd, name: string | null, source: TdSource): TdDescription {
  const { memory, state } = td.vm;
  return {
    name,
    source,
    memoryBytes: td.options.memoryBytes,
    vcpus: state.vcpus.length,
    pageSize: td.options.pageSize,
    septLevels: state.shape.septLevels,
    privatePages: { "4K": memory.leafCount(0), "2M": memory.leafCount(1), "1G": 0 },
    septPages: memory.tableCount(),
    controlPages: controlPages(td),
    finalized: state.isFinalized,
  };
}

/** What a teardown took: the ledger's counts, priced. */
export function strategyResult(
  td: HostedTd,
  description: TdDescription,
  profile: Profile,
  whatIfs: readonly WhatIf[],
): StrategyResult {
  if (td.teardown === null) throw new Error(`TD ${td.name} was not torn down`);
  const { strategy, ledger } = td.teardown;
  const phases = ledger.phases();
  const totals = totalsOf(phases);
  const { memoryBytes, vcpus } = description;
  const size = { memoryBytes, populatedBytes: populatedBytes(description), vcpus };
  const { state, generation } = td.vm;
  const taken = strategyOf(generation, strategy);
  const atWork = whatIfs.filter((whatIf) => isAtWork(whatIf, taken));
  const priced = estimateTeardown(phases, size, profile, { generation, whatIfs: atWork });
  return {
    strategy,
    kernel: generation.name,
    seamcalls: totals.seamcalls,
    phases: phases.map(({ phase, seamcalls }, i) => ({
      phase: phase as StrategyResult["phases"][number]["phase"],
      seamcalls,
      elapsedNs: intervalOf(priced.phases[i]?.elapsedNs),
    })),
    statuses: totals.statuses,
    hostWork: totals.hostWork,
    elapsedNs: priced.elapsedNs,
    milestones: priced.milestones,
    end: {
      pagesLeaked: pagesLeaked(td),
      hkidFree: state.hkid === null,
      tdrReclaimed: state.tdr === null && (td.tdrPage === null || state.isTdrReclaimed),
      ...troubleOf(td),
    },
  };
}

/** Only what went wrong: a sound teardown has none of these fields. */
function troubleOf({ vm, teardown }: HostedTd): Trouble {
  const { warnings, isBugged, leakedHkids, leaked } = vm.state;
  return {
    ...(Object.keys(warnings).length === 0 ? {} : { warned: { ...warnings } }),
    ...(isBugged ? { bugged: true } : {}),
    ...(teardown?.livelock == null ? {} : { livelock: teardown.livelock }),
    ...(leakedHkids.length === 0 ? {} : { hkidsLeaked: [...leakedHkids] }),
    ...(leaked.length === 0
      ? {}
      : {
          leaks: leaked.map(({ pfn, pages, what }) => ({
            address: `0x${(pfn * PAGE_SIZE).toString(16)}`,
            pages,
            what,
          })),
        }),
  };
}

function intervalOf(interval: EstimatedInterval | undefined): EstimatedInterval {
  if (interval === undefined) throw new Error("a phase was not priced");
  return interval;
}

const EVEN: EstimatedInterval = { low: 1, mid: 1, high: 1, basis: "exact" };

function ratio(of: EstimatedInterval, to: EstimatedInterval): EstimatedInterval {
  return { ...intervalRatio(of, to), basis: weakestBasis([of.basis, to.basis]) };
}

/** Six significant digits: what a ratio of estimates can carry. */
function round(value: number): number {
  return Number(value.toPrecision(6));
}

/** Whether two teardowns came to the same calls and host work at the same prices. */
function isSameWork(a: StrategyResult, b: StrategyResult): boolean {
  if (a === b) return true;
  if (a.seamcalls.total !== b.seamcalls.total) return false;
  const workOf = ({ phases, statuses, hostWork, elapsedNs }: StrategyResult) =>
    JSON.stringify([phases, statuses, hostWork, elapsedNs]);
  return workOf(a) === workOf(b);
}

/** Every strategy against `runtime` of the same kernel, where that was run. */
export function compareStrategies(results: readonly StrategyResult[]): ComparisonEntry[] {
  return results.flatMap((result) => {
    const base = results.find(
      ({ strategy, kernel }) => strategy === "runtime" && kernel === result.kernel,
    );
    if (base === undefined) return [];
    return [
      {
        strategy: result.strategy,
        kernel: result.kernel,
        against: "runtime",
        seamcallRatio: round(base.seamcalls.total / result.seamcalls.total),
        // What the prices are does not matter to teardowns that are the same.
        elapsedRatio: isSameWork(base, result) ? EVEN : ratio(base.elapsedNs, result.elapsedNs),
      },
    ];
  });
}

export interface ResultParts {
  readonly command: string;
  readonly seed: number;
  readonly host: SimulatedHost;
  readonly profile: Profile;
  readonly td: TdDescription;
  readonly kernels: readonly KernelGeneration[];
  readonly strategies: readonly StrategyResult[];
  readonly comparison: readonly ComparisonEntry[];
  /** Plans of faults that never struck. */
  readonly idleFaults?: readonly string[];
  /** Ideas that no kernel has. */
  readonly whatIfs: readonly WhatIf[];
  /** What else the user should know. */
  readonly notes?: readonly string[];
}

export function resultOf(parts: ResultParts): Result {
  const { host, profile, td } = parts;
  const { lpToPackage } = host.platform;
  return {
    schema: "tdx-sim/result/v1",
    simulated: true,
    version: VERSION,
    command: parts.command,
    seed: parts.seed,
    kernel: parts.kernels.map(({ name }) => name).join(","),
    ...(parts.whatIfs.length === 0 ? {} : { whatIf: parts.whatIfs.map(({ text }) => text) }),
    module: MODULE_VERSION,
    profile: { name: profile.name, sha256: profileSha256(profile) },
    platform: {
      packages: Math.max(...lpToPackage) + 1,
      lps: lpToPackage.length,
      hkids: host.hkidCount,
    },
    td,
    strategies: parts.strategies,
    comparison: parts.comparison,
    warnings: [
      ...parts.kernels.flatMap((kernel) => kernelWarnings(td, kernel)),
      ...whatIfWarnings(parts.whatIfs, strategiesOf(parts)),
      ...(parts.notes ?? []),
      ...(parts.idleFaults ?? []).map((fault) => `fault "${fault}" never struck`),
      ...parts.strategies.flatMap(troubleInWords),
    ],
  };
}

function troubleInWords({ strategy, end }: StrategyResult): string[] {
  const { warned = {}, bugged, livelock, hkidsLeaked = [] } = end;
  const calls = Object.entries(warned).map(([call, times]) => `${call} (${times})`);
  return [
    ...(livelock === undefined
      ? []
      : [
          `${strategy} never ends: ${livelock.leaf} returned ${livelock.status} ` +
            `${livelock.calls} times, and this kernel tries for ever`,
        ]),
    ...(calls.length === 0 ? [] : [`${strategy}: the kernel would warn: ${calls.join(", ")}`]),
    ...(bugged === true ? [`${strategy}: KVM_BUG_ON, the VM is dead`] : []),
    ...hkidsLeaked.map((hkid) => `${strategy}: HKID ${hkid} is leaked`),
  ];
}

/** The strategies of a result as their kernels describe them. */
function strategiesOf({ kernels, strategies }: ResultParts): Strategy[] {
  return strategies.flatMap(({ strategy, kernel }) => {
    const generation = kernels.find(({ name }) => name === kernel);
    return generation === undefined ? [] : [strategyOf(generation, strategy)];
  });
}

function kernelWarnings(td: TdDescription, generation: KernelGeneration): string[] {
  const { name, leafLevels, hasDynamicPamt, status, statusNote } = generation;
  const warnings: string[] = [];
  if (td.privatePages["2M"] > 0 && !leafLevels.includes(1)) {
    warnings.push(
      `${name} maps private memory with 4 KiB pages only; ` +
        "2 MiB pages follow the large-page companion of the series",
    );
  }
  if (hasDynamicPamt) {
    warnings.push(
      `${name} needs TDH.PHYMEM.PAMT.ADD and TDH.PHYMEM.PAMT.REMOVE, which module ` +
        `${MODULE_VERSION} has not: stand-ins for those of a newer module answer`,
    );
  }
  if (status === "proposed") warnings.push(`${name} is a proposal: ${statusNote}`);
  return warnings;
}
