import {
  type ComparisonEntry,
  type EstimatedInterval,
  PHASE_NAMES,
  type PhaseName,
  type Result,
  type StrategyResult,
} from "../lab/result.ts";

export type Cell = string | number | boolean | null;
/** One strategy as a flat record: every row has the same keys in the same order. */
export type FlatRow = Readonly<Record<string, Cell>>;

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

interface RowSource {
  readonly result: Result;
  readonly entry: StrategyResult;
  readonly compared: ComparisonEntry | undefined;
}

/** A column of every row: its name, and where its cell comes from. */
export interface Column {
  readonly name: string;
  readonly cell: (source: RowSource) => Cell;
}

function column(name: string, cell: (source: RowSource) => Cell): Column {
  return { name, cell };
}

function spread(
  prefix: string,
  interval: (source: RowSource) => EstimatedInterval | undefined,
): Column[] {
  return (["low", "mid", "high", "basis"] as const).map((end) =>
    column(`${prefix}.${end}`, (source) => interval(source)?.[end] ?? null),
  );
}

const RUN_COLUMNS: readonly Column[] = [
  column("schema", () => "tdx-sim/row/v1"),
  column("simulated", () => true),
  column("version", ({ result }) => result.version),
  column("command", ({ result }) => result.command),
  column("seed", ({ result }) => result.seed),
  column("whatIf", ({ result }) => (result.whatIf ?? []).join(" ")),
  column("module", ({ result }) => result.module),
  column("profile.name", ({ result }) => result.profile.name),
  column("profile.sha256", ({ result }) => result.profile.sha256),
  column("platform.packages", ({ result }) => result.platform.packages),
  column("platform.lps", ({ result }) => result.platform.lps),
  column("platform.hkids", ({ result }) => result.platform.hkids),
  column("name", ({ result }) => result.td.name),
  column("source", ({ result }) => result.td.source),
  column("memoryBytes", ({ result }) => result.td.memoryBytes),
  column("vcpus", ({ result }) => result.td.vcpus),
  column("pageSize", ({ result }) => result.td.pageSize),
  column("septLevels", ({ result }) => result.td.septLevels),
  column("privatePages.4K", ({ result }) => result.td.privatePages["4K"]),
  column("privatePages.2M", ({ result }) => result.td.privatePages["2M"]),
  column("privatePages.1G", ({ result }) => result.td.privatePages["1G"]),
  column("septPages", ({ result }) => result.td.septPages),
  column("controlPages", ({ result }) => result.td.controlPages),
  column("finalized", ({ result }) => result.td.finalized),
];

/** Calls of leaves that have no column of their own. */
function otherCalls({ seamcalls }: StrategyResult): number {
  let other = seamcalls.total;
  for (const leaf of TEARDOWN_LEAVES) other -= seamcalls.byLeaf[leaf] ?? 0;
  return other;
}

function succeeded({ statuses }: StrategyResult): number {
  return statuses["TDX_SUCCESS"] ?? 0;
}

const CALL_COLUMNS: readonly Column[] = [
  column("seamcalls.total", ({ entry }) => entry.seamcalls.total),
  ...TEARDOWN_LEAVES.map((leaf) =>
    column(`seamcalls.byLeaf.${leaf}`, ({ entry }) => entry.seamcalls.byLeaf[leaf] ?? 0),
  ),
  column("seamcalls.byLeaf.other", ({ entry }) => otherCalls(entry)),
  column("statuses.TDX_SUCCESS", ({ entry }) => succeeded(entry)),
  column("statuses.other", ({ entry }) => entry.seamcalls.total - succeeded(entry)),
];

function phaseColumns(name: PhaseName): Column[] {
  const phaseOf = ({ entry }: RowSource) => entry.phases.find(({ phase }) => phase === name);
  return [
    column(`phases.${name}.seamcalls.total`, (row) => phaseOf(row)?.seamcalls.total ?? 0),
    ...spread(`phases.${name}.elapsedNs`, (row) => phaseOf(row)?.elapsedNs),
  ];
}

const STRATEGY_COLUMNS: readonly Column[] = [
  column("strategy", ({ entry }) => entry.strategy),
  column("kernel", ({ entry }) => entry.kernel),
  ...CALL_COLUMNS,
  column("hostWork.pagesCleared", ({ entry }) => entry.hostWork.pagesCleared),
  column("hostWork.bytesCleared", ({ entry }) => entry.hostWork.bytesCleared),
  column("hostWork.ipis", ({ entry }) => entry.hostWork.ipis),
  column("hostWork.vcpuKicks", ({ entry }) => entry.hostWork.vcpuKicks),
  ...spread("elapsedNs", ({ entry }) => entry.elapsedNs),
  column("elapsedNs.extrapolated", ({ entry }) => entry.elapsedNs.extrapolated),
  column("elapsedNs.reasons", ({ entry }) => (entry.elapsedNs.reasons ?? []).join(" ")),
  ...PHASE_NAMES.flatMap(phaseColumns),
  ...spread("milestones.hkidFree", ({ entry }) => entry.milestones.hkidFree),
  ...spread("milestones.memoryFree", ({ entry }) => entry.milestones.memoryFree),
  ...spread("milestones.mmuLockWriteHeld", ({ entry }) => entry.milestones.mmuLockWriteHeld),
  ...spread("milestones.mmuLockWriteLongest", ({ entry }) => entry.milestones.mmuLockWriteLongest),
  column("end.pagesLeaked", ({ entry }) => entry.end.pagesLeaked),
  column("end.hkidFree", ({ entry }) => entry.end.hkidFree),
  column("end.tdrReclaimed", ({ entry }) => entry.end.tdrReclaimed),
];

/**
 * The columns of every row. Fields of the TD and of the strategy's entry keep their path below
 * those (`memoryBytes`, `elapsedNs.low`), everything else its path in the result; times are
 * nanoseconds. What a strategy does not have is null or 0.
 */
export const COLUMNS: readonly Column[] = [
  ...RUN_COLUMNS,
  ...STRATEGY_COLUMNS,
  column("comparison.against", ({ compared }) => compared?.against ?? null),
  column("comparison.seamcallRatio", ({ compared }) => compared?.seamcallRatio ?? null),
  ...spread("comparison.elapsedRatio", ({ compared }) => compared?.elapsedRatio),
  column("warnings", ({ result }) => result.warnings.join(" ")),
];

/** The cells of one record for each strategy, in the order of {@link COLUMNS}. */
export function cellRows(result: Result): Cell[][] {
  return result.strategies.map((entry) => {
    const compared = result.comparison.find(
      ({ strategy, kernel }) => strategy === entry.strategy && kernel === entry.kernel,
    );
    const source = { result, entry, compared };
    return COLUMNS.map(({ cell }) => cell(source));
  });
}

/** One record for each strategy. */
export function flatRows(result: Result): FlatRow[] {
  return cellRows(result).map((cells) =>
    Object.fromEntries(COLUMNS.map(({ name }, i) => [name, cells[i] ?? null])),
  );
}
