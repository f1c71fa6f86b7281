import type { EstimatedInterval, PhaseName, Result, StrategyResult } from "../lab/result.ts";

/** One strategy as a flat record: every row has the same keys in the same order. */
export type FlatRow = Readonly<Record<string, string | number | boolean | null>>;

/** Columns of their own, so that rows of one sweep line up whatever was called in them. */
const TEARDOWN_LEAVES = [
  "TDH.MEM.RANGE.BLOCK",
  "TDH.MEM.TRACK",
  "TDH.MEM.PAGE.REMOVE",
  "TDH.PHYMEM.PAGE.WBINVD",
  "TDH.VP.FLUSH",
  "TDH.MNG.VPFLUSHDONE",
  "TDH.PHYMEM.CACHE.WB",
  "TDH.MNG.KEY.FREEID",
  "TDH.PHYMEM.PAGE.RECLAIM",
] as const;

const PHASES = [
  "remove-private",
  "release-hkid",
  "reclaim-private",
  "reclaim-sept",
  "reclaim-control",
] as const satisfies readonly PhaseName[];

function spread(prefix: string, interval: EstimatedInterval | undefined): FlatRow {
  return {
    [`${prefix}.low`]: interval?.low ?? null,
    [`${prefix}.mid`]: interval?.mid ?? null,
    [`${prefix}.high`]: interval?.high ?? null,
    [`${prefix}.basis`]: interval?.basis ?? null,
  };
}

function runFields(result: Result): FlatRow {
  const { td, profile, platform } = result;
  return {
    schema: "tdx-sim/row/v1",
    simulated: true,
    version: result.version,
    command: result.command,
    seed: result.seed,
    module: result.module,
    "profile.name": profile.name,
    "profile.sha256": profile.sha256,
    "platform.packages": platform.packages,
    "platform.lps": platform.lps,
    "platform.hkids": platform.hkids,
    name: td.name,
    source: td.source,
    memoryBytes: td.memoryBytes,
    vcpus: td.vcpus,
    pageSize: td.pageSize,
    septLevels: td.septLevels,
    "privatePages.4K": td.privatePages["4K"],
    "privatePages.2M": td.privatePages["2M"],
    "privatePages.1G": td.privatePages["1G"],
    septPages: td.septPages,
    controlPages: td.controlPages,
    finalized: td.finalized,
  };
}

function callFields({ seamcalls, statuses }: StrategyResult): FlatRow {
  const fields: Record<string, number> = { "seamcalls.total": seamcalls.total };
  let other = seamcalls.total;
  for (const leaf of TEARDOWN_LEAVES) {
    const calls = seamcalls.byLeaf[leaf] ?? 0;
    fields[`seamcalls.byLeaf.${leaf}`] = calls;
    other -= calls;
  }
  const succeeded = statuses["TDX_SUCCESS"] ?? 0;
  return {
    ...fields,
    "seamcalls.byLeaf.other": other,
    "statuses.TDX_SUCCESS": succeeded,
    "statuses.other": seamcalls.total - succeeded,
  };
}

function phaseFields({ phases }: StrategyResult): FlatRow {
  const fields: Record<string, FlatRow[string]> = {};
  for (const name of PHASES) {
    const phase = phases.find((each) => each.phase === name);
    fields[`phases.${name}.seamcalls.total`] = phase?.seamcalls.total ?? 0;
    Object.assign(fields, spread(`phases.${name}.elapsedNs`, phase?.elapsedNs));
  }
  return fields;
}

function strategyFields(entry: StrategyResult): FlatRow {
  const { hostWork, elapsedNs, milestones, end } = entry;
  return {
    strategy: entry.strategy,
    kernel: entry.kernel,
    ...callFields(entry),
    "hostWork.pagesCleared": hostWork.pagesCleared,
    "hostWork.bytesCleared": hostWork.bytesCleared,
    "hostWork.ipis": hostWork.ipis,
    "hostWork.vcpuKicks": hostWork.vcpuKicks,
    ...spread("elapsedNs", elapsedNs),
    "elapsedNs.extrapolated": elapsedNs.extrapolated,
    "elapsedNs.reasons": (elapsedNs.reasons ?? []).join(" "),
    ...phaseFields(entry),
    ...spread("milestones.hkidFree", milestones.hkidFree),
    ...spread("milestones.memoryFree", milestones.memoryFree),
    ...spread("milestones.mmuLockWriteHeld", milestones.mmuLockWriteHeld),
    ...spread("milestones.mmuLockWriteLongest", milestones.mmuLockWriteLongest),
    "end.pagesLeaked": end.pagesLeaked,
    "end.hkidFree": end.hkidFree,
    "end.tdrReclaimed": end.tdrReclaimed,
  };
}

/**
 * One record for each strategy. Fields of the TD and of the strategy's entry keep their path
 * below those (`memoryBytes`, `elapsedNs.low`), everything else its path in the result; times
 * are nanoseconds. What a strategy does not have is null or 0.
 */
export function flatRows(result: Result): FlatRow[] {
  return result.strategies.map((entry) => {
    const compared = result.comparison.find(
      ({ strategy, kernel }) => strategy === entry.strategy && kernel === entry.kernel,
    );
    return {
      ...runFields(result),
      ...strategyFields(entry),
      "comparison.against": compared?.against ?? null,
      "comparison.seamcallRatio": compared?.seamcallRatio ?? null,
      ...spread("comparison.elapsedRatio", compared?.elapsedRatio),
      warnings: result.warnings.join(" "),
    };
  });
}
