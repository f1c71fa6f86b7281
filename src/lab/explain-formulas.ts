import type { KernelGeneration, PolicyName, TeardownStep } from "../kvm/generations/generation.ts";

/** What the counts of a teardown are made of (kvm-teardown 1.1). */
export interface Terms {
  /** N: private leaves of 4 KiB; L: of 2 MiB. */
  readonly small: number;
  readonly large: number;
  /** S: Secure EPT pages below the root. */
  readonly tables: number;
  /** V: initialised vCPUs. X: TDVPX pages of each. C: TDCX pages. P: packages. */
  readonly vcpus: number;
  readonly tdvpx: number;
  readonly tdcx: number;
  readonly packages: number;
  /** f: 1 for a TD that was finalized, else 0. */
  readonly finalized: 0 | 1;
}

/** The letters of the formulas, for those who read them. */
export const LEGEND =
  "N private leaves of 4 KiB, L of 2 MiB, S Secure EPT pages below the root, V vCPUs, X TDVPX " +
  "pages a vCPU, C TDCX pages, P packages, f 1 if finalized, else 0";

/** A count, as a formula to read and one to reckon with; null where no formula has it. */
export interface Formula {
  readonly text: string;
  readonly of: ((terms: Terms) => number) | null;
}

/** The calls of one leaf in a step. */
export interface StepCalls {
  readonly leaf: string;
  readonly formula: Formula;
  /** What is repeated or taken as success. */
  readonly policy: PolicyName | null;
  readonly source: string;
}

/** Work of the host besides SEAMCALLs in a step. */
export interface StepHostWork {
  readonly work: "pageClears4K" | "ipis" | "vcpuKicks";
  readonly formula: Formula;
}

export interface StepFormulas {
  readonly title: string;
  readonly phase: string;
  /** In the order of the code, page by page where the step goes so. */
  readonly calls: readonly StepCalls[];
  readonly hostWork: readonly StepHostWork[];
}

const LEAVES: Formula = { text: "N + L", of: ({ small, large }) => small + large };
const FRAMES: Formula = { text: "N + 512 L", of: ({ small, large }) => small + 512 * large };
const TABLES: Formula = { text: "S", of: ({ tables }) => tables };
const VCPUS: Formula = { text: "V", of: ({ vcpus }) => vcpus };
const VCPU_PAGES: Formula = { text: "V (X + 1)", of: (t) => t.vcpus * (t.tdvpx + 1) };
const TD_PAGES: Formula = { text: "C + 1", of: ({ tdcx }) => tdcx + 1 };
const PACKAGES: Formula = { text: "P", of: ({ packages }) => packages };
const ONE: Formula = { text: "1", of: () => 1 };
const REGIONS: Formula = {
  text: "regions of 2 MiB whose last 4 KiB page came back",
  of: null,
};

function trackings({ tracks }: KernelGeneration): Formula {
  return tracks === "each-leaf"
    ? { text: "f (N + L)", of: (t) => t.finalized * (t.small + t.large) }
    : { text: "f, if N + L > 0", of: (t) => (t.small + t.large > 0 ? t.finalized : 0) };
}

function kicks({ tracks }: KernelGeneration): Formula {
  return tracks === "each-leaf"
    ? { text: "f V (N + L)", of: (t) => t.finalized * t.vcpus * (t.small + t.large) }
    : {
        text: "f V, if N + L > 0",
        of: (t) => (t.small + t.large > 0 ? t.finalized * t.vcpus : 0),
      };
}

function clears({ clears: policy }: KernelGeneration, formula: Formula): StepHostWork[] {
  if (policy === "never") return [];
  if (policy === "always") return [{ work: "pageClears4K", formula }];
  const text = `${formula.text}, with X86_BUG_TDX_PW_MCE only`;
  return [{ work: "pageClears4K", formula: { text, of: formula.of } }];
}

function pamt(generation: KernelGeneration): StepCalls[] {
  if (!generation.hasDynamicPamt) return [];
  const source = "kvm-teardown D.3; DP4";
  return [{ leaf: "TDH.PHYMEM.PAMT.REMOVE", formula: REGIONS, policy: null, source }];
}

function calls(
  leaf: string,
  formula: Formula,
  policy: PolicyName | null,
  source: string,
): StepCalls {
  return { leaf, formula, policy, source };
}

function removeLeaves(generation: KernelGeneration): StepFormulas {
  const isOnce = generation.flushes === "each-zap";
  const flush = calls("TDH.PHYMEM.PAGE.WBINVD", FRAMES, "pageWbinvd", "1.2; V19-070, LP5-06");
  return {
    title: "zap the private leaves while the HKID is assigned",
    phase: "remove-private",
    calls: [
      calls("TDH.MEM.RANGE.BLOCK", LEAVES, "rangeBlock", "C.1; V19-062"),
      calls("TDH.MEM.TRACK", trackings(generation), "memTrack", "C.1, 1.2; V19-070, DEV"),
      calls("TDH.MEM.PAGE.REMOVE", LEAVES, "pageRemove", "C.1; V19-070"),
      ...(isOnce ? [] : [flush]),
      ...pamt(generation),
    ],
    hostWork: [
      { work: "vcpuKicks", formula: kicks(generation) },
      ...clears(generation, FRAMES),
      ...(isOnce
        ? [{ work: "ipis" as const, formula: { text: "P, if N + L > 0", of: hostFlushes } }]
        : []),
    ],
  };
}

function hostFlushes({ small, large, packages }: Terms): number {
  return small + large > 0 ? packages : 0;
}

function releaseHkid(): StepFormulas {
  return {
    title: "release the HKID",
    phase: "release-hkid",
    calls: [
      calls("TDH.VP.FLUSH", VCPUS, null, "C.2; V16-071"),
      calls("TDH.MNG.VPFLUSHDONE", ONE, null, "C.2; V16-020"),
      calls("TDH.PHYMEM.CACHE.WB", PACKAGES, null, "C.2; V16-020"),
      calls("TDH.MNG.KEY.FREEID", ONE, null, "C.2; V16-020"),
    ],
    hostWork: [{ work: "ipis", formula: VCPUS }],
  };
}

function reclaim(
  generation: KernelGeneration,
  step: Pick<StepFormulas, "title" | "phase">,
  pages: Formula,
  frames: Formula,
): StepFormulas {
  return {
    ...step,
    calls: [
      calls("TDH.PHYMEM.PAGE.RECLAIM", pages, "pageReclaim", "C.3; V16-020"),
      ...pamt(generation),
    ],
    hostWork: clears(generation, frames),
  };
}

/** What a step does in this generation: calls and host work with their formulas. */
export function formulasOf(generation: KernelGeneration, step: TeardownStep): StepFormulas {
  switch (step) {
    case "remove-leaves":
      return removeLeaves(generation);
    case "release-hkid":
      return releaseHkid();
    case "reclaim-leaves": {
      const title = "reclaim the private leaves, for the HKID is gone";
      return reclaim(generation, { title, phase: "reclaim-private" }, LEAVES, FRAMES);
    }
    case "reclaim-tables": {
      const title = "reclaim the Secure EPT pages, children first";
      return reclaim(generation, { title, phase: "reclaim-sept" }, TABLES, TABLES);
    }
    case "reclaim-vcpus": {
      const title = "reclaim TDVPX and TDVPR of every vCPU";
      return reclaim(generation, { title, phase: "reclaim-control" }, VCPU_PAGES, VCPU_PAGES);
    }
    case "reclaim-td": {
      const title = "reclaim TDCX, then the TDR and flush it with the module's own HKID";
      const step = reclaim(generation, { title, phase: "reclaim-control" }, TD_PAGES, TD_PAGES);
      const wbinvd = calls("TDH.PHYMEM.PAGE.WBINVD", ONE, "tdrWbinvd", "1.2, C.3; V16-020");
      return { ...step, calls: [...step.calls, wbinvd] };
    }
  }
}
