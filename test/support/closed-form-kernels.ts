/**
 * What tearing a TD down costs on every kernel generation, by the formulas of kvm-teardown 1.1,
 * 1.2, C, D.1 to D.3. Written from that text alone, as closed-form.ts: nothing here comes from the
 * emulator.
 */
import {
  controlPages,
  leaves,
  type PhaseForm,
  septPagesByLevel,
  type TdForm,
} from "./closed-form.ts";

/** A: leaves removed while the HKID is assigned. C: leaves reclaimed without it (1.1). */
type Path = "slow" | "fast";

export interface KernelForm {
  readonly strategies: Readonly<Record<string, Path>>;
  /** MNG.RD calls of INIT_VM (A.2). */
  readonly reads: 1 | 2;
  /** Which go first when the VM is destroyed: SEPT pages (C.3) or vCPU pages (D.1). */
  readonly first: "sept" | "vcpus";
  /** PAMT.ADD and PAMT.REMOVE for each 2 MiB region with 4 KiB users (D.3). */
  readonly pamt?: true;
}

const V16 = { runtime: "slow", exit: "fast", hint: "fast" } as const;
const UPSTREAM = { runtime: "slow", exit: "slow" } as const;
const TERMINATE = { ...UPSTREAM, terminate: "fast" } as const;

export const KERNELS: Readonly<Record<string, KernelForm>> = {
  v16: { strategies: V16, reads: 1, first: "sept" },
  v17: { strategies: V16, reads: 1, first: "sept" },
  v18: { strategies: V16, reads: 1, first: "sept" },
  v19: { strategies: { runtime: "slow", exit: "fast" }, reads: 1, first: "sept" },
  "v6.16": { strategies: UPSTREAM, reads: 2, first: "vcpus" },
  "terminate-v4": { strategies: TERMINATE, reads: 2, first: "vcpus" },
  "terminate-v5": { strategies: TERMINATE, reads: 2, first: "vcpus" },
  "terminate-5of5": { strategies: TERMINATE, reads: 2, first: "vcpus" },
  "skip-clear": { strategies: UPSTREAM, reads: 2, first: "vcpus" },
  "huge-pages": { strategies: UPSTREAM, reads: 2, first: "vcpus" },
  "dynamic-pamt": { strategies: UPSTREAM, reads: 2, first: "vcpus", pamt: true },
};

/** What there is of a TD when its teardown begins. */
export interface TornDown {
  readonly small: number;
  readonly large: number;
  /** Secure EPT pages, the tables of leaves first. */
  readonly tables: readonly number[];
  readonly vcpus: number;
  readonly packages: number;
  readonly finalized: boolean;
}

export interface TeardownForm {
  readonly phases: readonly PhaseForm[];
  readonly total: number;
  readonly pagesCleared: number;
  readonly ipis: number;
  readonly vcpuKicks: number;
}

/** Ideas of `--what-if` that change counts. */
export interface Ideas {
  readonly batchTrack?: boolean;
  readonly batchWbinvd?: boolean;
  readonly clears?: boolean;
}

const REGION = 512;
const TDCX = 6;

export function tornDown(td: TdForm): TornDown {
  const { "4K": small, "2M": large } = leaves(td);
  const { vcpus, packages, finalized } = td;
  return { small, large, tables: septPagesByLevel(td), vcpus, packages, finalized };
}

function regions(pages: number): number {
  return Math.ceil(pages / REGION);
}

function phase(name: string, byLeaf: Readonly<Record<string, number>>): PhaseForm[] {
  const used = Object.entries(byLeaf).filter(([, count]) => count > 0);
  return used.length === 0 ? [] : [{ phase: name, byLeaf: Object.fromEntries(used) }];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** Counts by phase, in the order of the phases; PAMT calls for pages that lie together. */
export function teardownOn(
  kernel: KernelForm,
  strategy: string,
  td: TornDown,
  ideas: Ideas = {},
): TeardownForm {
  const { small, large, vcpus, packages } = td;
  const isSlow = kernel.strategies[strategy] === "slow";
  const all = small + large;
  const frames = small + 512 * large;
  const tracked = !td.finalized ? 0 : ideas.batchTrack === true ? Math.min(1, all) : all;
  const isFlushed = ideas.batchWbinvd !== true;
  const tables = sum(td.tables);
  const control = controlPages({ vcpus } as TdForm);
  const put = (pages: number): number => (kernel.pamt === true ? pages : 0);
  const privatePages = isSlow
    ? phase("remove-private", {
        "TDH.MEM.RANGE.BLOCK": all,
        "TDH.MEM.TRACK": tracked,
        "TDH.MEM.PAGE.REMOVE": all,
        "TDH.PHYMEM.PAGE.WBINVD": isFlushed ? frames : 0,
        "TDH.PHYMEM.PAMT.REMOVE": put(regions(small)),
      })
    : phase("reclaim-private", {
        "TDH.PHYMEM.PAGE.RECLAIM": all,
        "TDH.PHYMEM.PAMT.REMOVE": put(regions(small)),
      });
  const release = phase("release-hkid", {
    "TDH.VP.FLUSH": vcpus,
    "TDH.MNG.VPFLUSHDONE": 1,
    "TDH.PHYMEM.CACHE.WB": packages,
    "TDH.MNG.KEY.FREEID": 1,
  });
  const sept = phase("reclaim-sept", {
    "TDH.PHYMEM.PAGE.RECLAIM": tables,
    "TDH.PHYMEM.PAMT.REMOVE": put(sum(td.tables.map(regions))),
  });
  const controls = phase("reclaim-control", {
    "TDH.PHYMEM.PAGE.RECLAIM": control,
    "TDH.PHYMEM.PAMT.REMOVE": put(regions(control)),
    "TDH.PHYMEM.PAGE.WBINVD": 1,
  });
  const rest = kernel.first === "sept" ? [...sept, ...controls] : [...controls, ...sept];
  const phases = isSlow
    ? [...privatePages, ...release, ...rest]
    : [...release, ...privatePages, ...rest];
  const hostFlushes = isSlow && !isFlushed && all > 0 ? packages : 0;
  return {
    phases,
    total: sum(phases.flatMap(({ byLeaf }) => Object.values(byLeaf))),
    pagesCleared: ideas.clears === false ? 0 : frames + tables + control,
    ipis: vcpus + hostFlushes,
    vcpuKicks: isSlow ? tracked * vcpus : 0,
  };
}

/** KVM_TDX_INIT_VM by leaf (A.2, last paragraph for v6.16). */
export function initVmOn(kernel: KernelForm, packages: number): Record<string, number> {
  return {
    ...(kernel.pamt === true ? { "TDH.PHYMEM.PAMT.ADD": 1 } : {}),
    "TDH.MNG.CREATE": 1,
    "TDH.MNG.KEY.CONFIG": packages,
    "TDH.MNG.ADDCX": TDCX,
    "TDH.MNG.INIT": 1,
    "TDH.MNG.RD": kernel.reads,
  };
}

/** PAMT.ADD calls of creation and population together: one for each region that got a user. */
export function pamtAdds(td: TornDown): number {
  const control = controlPages({ vcpus: td.vcpus } as TdForm);
  return regions(control) + regions(td.small) + sum(td.tables.map(regions));
}
