import type {
  EstimatedInterval,
  ExpectationResult,
  Result,
  Seamcalls,
  StrategyResult,
  Trouble,
} from "../lab/result.ts";
import { jsonText } from "./control-characters.ts";

function interval({ low, mid, high, basis }: EstimatedInterval): EstimatedInterval {
  return { low, mid, high, basis };
}

function seamcalls({ total, byLeaf }: Seamcalls): Seamcalls {
  return { total, byLeaf };
}

function strategyInOrder(entry: StrategyResult): StrategyResult {
  const { hostWork, elapsedNs, milestones, end } = entry;
  const { extrapolated, reasons } = elapsedNs;
  return {
    strategy: entry.strategy,
    kernel: entry.kernel,
    seamcalls: seamcalls(entry.seamcalls),
    phases: entry.phases.map((phase) => ({
      phase: phase.phase,
      seamcalls: seamcalls(phase.seamcalls),
      elapsedNs: interval(phase.elapsedNs),
    })),
    statuses: entry.statuses,
    hostWork: {
      pagesCleared: hostWork.pagesCleared,
      bytesCleared: hostWork.bytesCleared,
      ipis: hostWork.ipis,
      vcpuKicks: hostWork.vcpuKicks,
    },
    elapsedNs: {
      ...interval(elapsedNs),
      extrapolated,
      ...(reasons === undefined ? {} : { reasons }),
    },
    milestones: {
      hkidFree: interval(milestones.hkidFree),
      memoryFree: interval(milestones.memoryFree),
      mmuLockWriteHeld: interval(milestones.mmuLockWriteHeld),
      mmuLockWriteLongest: interval(milestones.mmuLockWriteLongest),
    },
    end: {
      pagesLeaked: end.pagesLeaked,
      hkidFree: end.hkidFree,
      tdrReclaimed: end.tdrReclaimed,
      ...trouble(end),
    },
  };
}

/** What went wrong; a sound teardown has none of these keys. */
function trouble({ warned, bugged, livelock, hkidsLeaked, leaks }: Trouble): Trouble {
  return {
    ...(warned === undefined ? {} : { warned }),
    ...(bugged === undefined ? {} : { bugged }),
    ...(livelock === undefined ? {} : { livelock }),
    ...(hkidsLeaked === undefined ? {} : { hkidsLeaked }),
    ...(leaks === undefined ? {} : { leaks }),
  };
}

function expectation(entry: ExpectationResult): ExpectationResult {
  return {
    kind: entry.kind,
    expectation: entry.expectation,
    level: entry.level,
    passed: entry.passed,
    left: entry.left,
    right: entry.right,
    detail: entry.detail,
  };
}

/** The keys in the order the contract shows them, however the result was put together. */
export function inOrder(result: Result): Result {
  const { profile, platform, td, scenario, expectations } = result;
  return {
    schema: result.schema,
    simulated: result.simulated,
    version: result.version,
    command: result.command,
    seed: result.seed,
    ...(scenario === undefined
      ? {}
      : { scenario: { name: scenario.name, sha256: scenario.sha256 } }),
    kernel: result.kernel,
    ...(result.whatIf === undefined ? {} : { whatIf: result.whatIf }),
    module: result.module,
    profile: { name: profile.name, sha256: profile.sha256 },
    platform: { packages: platform.packages, lps: platform.lps, hkids: platform.hkids },
    td: {
      name: td.name,
      source: td.source,
      memoryBytes: td.memoryBytes,
      vcpus: td.vcpus,
      pageSize: td.pageSize,
      septLevels: td.septLevels,
      privatePages: {
        "4K": td.privatePages["4K"],
        "2M": td.privatePages["2M"],
        "1G": td.privatePages["1G"],
      },
      septPages: td.septPages,
      controlPages: td.controlPages,
      finalized: td.finalized,
    },
    strategies: result.strategies.map(strategyInOrder),
    comparison: result.comparison.map((entry) => ({
      strategy: entry.strategy,
      kernel: entry.kernel,
      against: entry.against,
      seamcallRatio: entry.seamcallRatio,
      elapsedRatio: interval(entry.elapsedRatio),
    })),
    ...(expectations === undefined ? {} : { expectations: expectations.map(expectation) }),
    warnings: result.warnings,
  };
}

/** The whole result as `tdx-sim/result/v1`, indented by two. */
export function renderJson(result: Result): string {
  return `${jsonText(inOrder(result), 2)}\n`;
}
