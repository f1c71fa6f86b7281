import type {
  Basis,
  ComparisonEntry,
  EstimatedInterval,
  PhaseName,
  PhaseResult,
  Result,
  StrategyResult,
} from "../../src/lab/result.ts";

const PAGES = 4_194_304;
const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";
const RELEASE = {
  "TDH.VP.FLUSH": 4,
  "TDH.MNG.VPFLUSHDONE": 1,
  "TDH.PHYMEM.CACHE.WB": 1,
  "TDH.MNG.KEY.FREEID": 1,
};

function ms(low: number, mid: number, high: number, basis: Basis = "fitted"): EstimatedInterval {
  return { low: low * 1e6, mid: mid * 1e6, high: high * 1e6, basis };
}

function phase(
  name: PhaseName,
  byLeaf: Record<string, number>,
  elapsedNs: EstimatedInterval,
): PhaseResult {
  let total = 0;
  for (const count of Object.values(byLeaf)) total += count;
  return { phase: name, seamcalls: { total, byLeaf }, elapsedNs };
}

const AFTERWARDS = [
  phase("reclaim-sept", { [RECLAIM]: 8209 }, ms(34, 39, 44)),
  phase("reclaim-control", { [RECLAIM]: 31, "TDH.PHYMEM.PAGE.WBINVD": 1 }, ms(0.1, 0.15, 0.2)),
];

const RELEASE_FIRST = [
  phase("release-hkid", RELEASE, ms(0, 350, 700)),
  phase("reclaim-private", { [RECLAIM]: PAGES }, ms(17_700, 19_900, 22_200)),
  ...AFTERWARDS,
];

const RUNTIME = [
  phase(
    "remove-private",
    {
      "TDH.MEM.RANGE.BLOCK": PAGES,
      "TDH.MEM.TRACK": PAGES,
      "TDH.MEM.PAGE.REMOVE": PAGES,
      "TDH.PHYMEM.PAGE.WBINVD": PAGES,
    },
    ms(57_600, 64_000, 70_400, "assumed"),
  ),
  phase("release-hkid", RELEASE, ms(0, 350, 700)),
  ...AFTERWARDS,
];

function sumOf(phases: readonly PhaseResult[]): Pick<StrategyResult, "seamcalls" | "statuses"> {
  const byLeaf: Record<string, number> = {};
  let total = 0;
  for (const { seamcalls } of phases) {
    total += seamcalls.total;
    for (const [leaf, count] of Object.entries(seamcalls.byLeaf)) {
      byLeaf[leaf] = (byLeaf[leaf] ?? 0) + count;
    }
  }
  return { seamcalls: { total, byLeaf }, statuses: { TDX_SUCCESS: total } };
}

const END = { pagesLeaked: 0, hkidFree: true, tdrReclaimed: true };

/** Teardown after the HKID was released: `exit` or `hint`. */
export function releaseFirst(strategy: string): StrategyResult {
  return {
    strategy,
    kernel: "v16",
    ...sumOf(RELEASE_FIRST),
    phases: RELEASE_FIRST,
    hostWork: { pagesCleared: 4_202_544, bytesCleared: 17_213_620_224, ipis: 4, vcpuKicks: 0 },
    elapsedNs: { ...ms(17_734.1, 20_289.15, 22_944.2), extrapolated: false },
    milestones: {
      hkidFree: ms(0, 350, 700),
      memoryFree: ms(17_700, 20_250, 22_900),
      mmuLockWriteHeld: ms(17_734, 20_289, 22_944),
      mmuLockWriteLongest: ms(17_734, 19_939, 22_244),
    },
    end: END,
  };
}

/** Pages removed one by one while the HKID is assigned. */
export const RUNTIME_ENTRY: StrategyResult = {
  strategy: "runtime",
  kernel: "v16",
  ...sumOf(RUNTIME),
  phases: RUNTIME,
  hostWork: {
    pagesCleared: 4_202_544,
    bytesCleared: 17_213_620_224,
    ipis: 4,
    vcpuKicks: 16_777_216,
  },
  elapsedNs: {
    ...ms(57_634.1, 64_389.15, 71_144.2, "assumed"),
    extrapolated: true,
    reasons: ["runtime removal was measured on another kind of host, and nobody has said which."],
  },
  milestones: {
    hkidFree: ms(57_600, 64_350, 71_100, "assumed"),
    memoryFree: ms(57_600, 64_000, 70_400, "assumed"),
    mmuLockWriteHeld: ms(57_634, 64_389, 71_144, "assumed"),
    mmuLockWriteLongest: ms(57_600, 64_000, 70_400, "assumed"),
  },
  end: END,
};

const EVEN: EstimatedInterval = { low: 1, mid: 1, high: 1, basis: "exact" };
const THREE: EstimatedInterval = { low: 2.5119, mid: 3.1735, high: 4.0117, basis: "assumed" };

function faster(
  strategy: string,
  seamcallRatio: number,
  elapsedRatio: EstimatedInterval,
): ComparisonEntry {
  return { strategy, kernel: "v16", against: "runtime", seamcallRatio, elapsedRatio };
}

/** `compare` of the default TD in round, made-up times. */
export const COMPARISON: Result = {
  schema: "tdx-sim/result/v1",
  simulated: true,
  version: "0.1.0",
  command: "compare",
  seed: 1,
  kernel: "v16",
  module: "1.5.01",
  profile: { name: "published-2025", sha256: "ab".repeat(32) },
  platform: { packages: 1, lps: 16, hkids: 63 },
  td: {
    name: null,
    source: "default",
    memoryBytes: 17_179_869_184,
    vcpus: 4,
    pageSize: "4K",
    septLevels: 4,
    privatePages: { "4K": PAGES, "2M": 0, "1G": 0 },
    septPages: 8209,
    controlPages: 31,
    finalized: true,
  },
  strategies: [RUNTIME_ENTRY, releaseFirst("exit"), releaseFirst("hint")],
  comparison: [
    faster("runtime", 1, EVEN),
    faster("exit", 3.9941, THREE),
    faster("hint", 3.9941, THREE),
  ],
  warnings: [],
};

/** `destroy --hint` of a named TD in which things went wrong. */
export const TROUBLED: Result = {
  ...COMPARISON,
  command: "destroy",
  td: { ...COMPARISON.td, name: "web-1", source: "store", finalized: false },
  strategies: [
    {
      ...releaseFirst("hint"),
      statuses: { TDX_SUCCESS: 4_202_550, "TDX_OPERAND_BUSY|RCX": 2 },
      end: { pagesLeaked: 3, hkidFree: true, tdrReclaimed: false },
    },
  ],
  comparison: [],
  warnings: ["v16 maps private memory with 4 KiB pages only; 2M follows the large-page series."],
};
