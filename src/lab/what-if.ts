import type { KernelGeneration, Strategy, TeardownStep } from "../kvm/generations/generation.ts";
import { KvmVm } from "../kvm/vm.ts";
import { Failure } from "../units/failure.ts";
import { collision } from "./module-locks.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "./td-options.ts";

const WHAT_IF_NAMES = [
  "batch-track",
  "batch-wbinvd",
  "no-clear",
  "parallel",
  "huge-leaves",
] as const;
export type WhatIfName = (typeof WHAT_IF_NAMES)[number];

/** An idea on top of a kernel generation that no kernel has. */
export interface WhatIf {
  readonly name: WhatIfName;
  /** As the user writes it: `parallel=8`. */
  readonly text: string;
  /** Threads of `parallel`; 1 for the others. */
  readonly threads: number;
}

/** What an idea changes, and why the module lets it. */
export interface WhatIfFacts {
  readonly idea: string;
  /** The module's rule it relies on. */
  readonly reliesOn: string;
  /** Why its time is an extrapolation. */
  readonly unmeasured: string;
  /** Steps without which it changes nothing. */
  readonly needs: readonly TeardownStep[];
  /** What it makes of a generation. */
  apply(generation: KernelGeneration): KernelGeneration;
}

const same = (generation: KernelGeneration): KernelGeneration => generation;

export const WHAT_IFS: Readonly<Record<WhatIfName, WhatIfFacts>> = {
  "batch-track": {
    idea: "block all leaves of a zap, begin one TLB epoch for all of them, then remove them",
    reliesOn:
      "RANGE.BLOCK notes the epoch in each page, and PAGE.REMOVE only asks that a later one began " +
      "and every vCPU of the earlier one left (ABI 5)",
    unmeasured: "Nobody timed a removal with one TDH.MEM.TRACK for many pages.",
    needs: ["remove-leaves"],
    apply: (generation) => ({ ...generation, tracks: "each-zap" }),
  },
  "batch-wbinvd": {
    idea: "remove all leaves of a zap, then one WBINVD of the host on an LP of every package",
    reliesOn:
      "PAGE.WBINVD changes no metadata, so the module does not know whether a free page was " +
      "flushed (ABI 7); a SEAMCALL for a range does not exist, and CACHE.WB would answer " +
      "TDX_NO_HKID_READY_TO_WBCACHE while the HKID is in use",
    unmeasured: "Nobody timed a removal without TDH.PHYMEM.PAGE.WBINVD, or the host's WBINVD.",
    needs: ["remove-leaves"],
    apply: (generation) => ({ ...generation, flushes: "each-zap" }),
  },
  "no-clear": {
    idea: "give pages back as they are, without 64 MOVDIR64B each",
    reliesOn:
      "the module never looks at the contents of a free page; on CPUs with X86_BUG_TDX_PW_MCE a " +
      "page that was not cleared can still raise a machine check (kvm-teardown D.3)",
    unmeasured: "The published times all contain the clear of every page.",
    needs: [],
    apply: (generation) => ({ ...generation, clears: "never" }),
  },
  parallel: {
    idea: "several threads reclaim private and Secure EPT pages of one TD",
    reliesOn:
      "PAGE.RECLAIM locks its page exclusively and the TDR only shared (ABI 4): calls for " +
      "different pages run side by side; mmu_lock would have to be given up for it",
    unmeasured: "Nobody timed TDH.PHYMEM.PAGE.RECLAIM on several processors at once.",
    needs: ["reclaim-leaves"],
    apply: same,
  },
  "huge-leaves": {
    idea: "map private memory with leaves of 2 MiB from the start",
    reliesOn:
      "PAGE.AUG and PAGE.REMOVE take 2 MiB (ABI 7); PAGE.ADD does not, so the initial image stays " +
      "at 4 KiB",
    unmeasured: "No teardown with Secure EPT pages of 2 MiB was ever timed in public.",
    needs: [],
    apply: same,
  },
};

/** Calls that several reclaiming threads make at once. */
const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const THREADS_MAX = 65_536;

/**
 * A what-if as the user writes it.
 *
 * @throws Failure `usage`
 */
export function parseWhatIf(text: string): WhatIf {
  const [, word = "", number] = /^([a-z-]+)(?:=([0-9]{1,6}))?$/.exec(text) ?? [];
  const name = WHAT_IF_NAMES.find((each) => each === word);
  if (name === undefined) {
    throw new Failure("usage", `there is no what-if "${text}"`, {
      hint: `there are ${WHAT_IF_NAMES.join(", ")}; parallel takes a number, parallel=8`,
    });
  }
  if ((name === "parallel") !== (number !== undefined)) {
    throw new Failure(
      "usage",
      `what-if ${name} takes ${number === undefined ? "a" : "no"} number`,
      {
        hint: name === "parallel" ? "for example parallel=8" : `write ${name}`,
      },
    );
  }
  const threads = number === undefined ? 1 : Number(number);
  if (number !== undefined && (threads < 2 || threads > THREADS_MAX)) {
    throw new Failure("usage", `parallel=${number} is not between 2 and ${THREADS_MAX}`);
  }
  return { name, text, threads };
}

/** @throws Failure `usage` when one is given twice */
export function parseWhatIfs(texts: readonly string[]): WhatIf[] {
  const whatIfs = texts.map(parseWhatIf);
  for (const [i, { name }] of whatIfs.entries()) {
    if (whatIfs.slice(0, i).some((earlier) => earlier.name === name)) {
      throw new Failure("usage", `what-if ${name} is given twice`);
    }
  }
  return whatIfs;
}

/** The VM as these ideas would have its KVM work; it shares its state with the one given. */
export function withWhatIfs(vm: KvmVm, whatIfs: readonly WhatIf[]): KvmVm {
  if (whatIfs.length === 0) return vm;
  const generation = whatIfs.reduce(
    (changed, { name }) => WHAT_IFS[name].apply(changed),
    vm.generation,
  );
  return new KvmVm(generation, vm.state, vm.memory);
}

/** TD options as these ideas change them; only `huge-leaves` does. */
export function optionsWith(options: TdOptions, whatIfs: readonly WhatIf[]): TdOptions {
  if (!whatIfs.some(({ name }) => name === "huge-leaves")) return options;
  return resolveTdOptions({ ...options, pageSize: "2M" });
}

/** Whether an idea changes anything in a teardown by this strategy. */
export function isAtWork({ name }: WhatIf, { steps }: Strategy): boolean {
  const { needs } = WHAT_IFS[name];
  return needs.length === 0 || needs.some((step) => steps.includes(step));
}

/**
 * What module or machine refuse of these ideas for a strategy that the user named.
 *
 * @throws Failure `refused` as the call that fails would be refused, or `usage`
 */
export function checkWhatIfs(
  host: SimulatedHost,
  options: TdOptions,
  strategy: Strategy,
  whatIfs: readonly WhatIf[],
): void {
  for (const whatIf of whatIfs) {
    const { name, text, threads } = whatIf;
    const lps = host.platform.lpToPackage.length;
    if (threads > lps) {
      throw new Failure("refused", `${text} needs ${threads} LPs, and the host has ${lps}`, {
        hint: "give --lps, or fewer threads",
        refusal: { errno: "EINVAL" },
      });
    }
    if (name === "huge-leaves" && options.pageSize !== "2M") {
      throw new Failure("usage", "huge-leaves says how memory is mapped, and this TD's is", {
        hint: "give it with TD options, or create the TD with --page-size 2M",
      });
    }
    if (name === "parallel" && !isAtWork(whatIf, strategy)) {
      const status = `TDX_OPERAND_BUSY|${collision(BLOCK, BLOCK)}`;
      throw new Failure(
        "refused",
        `${text}: ${strategy.name} removes private pages, and of two calls of ${BLOCK} at once ` +
          `one returns ${status}`,
        {
          hint: `threads only help where pages are reclaimed: ${RECLAIM} locks its own page`,
          refusal: { errno: "EBUSY", leaf: BLOCK, status },
        },
      );
    }
  }
}

/** What a result says about ideas that went into it. */
export function whatIfWarnings(
  whatIfs: readonly WhatIf[],
  strategies: readonly Strategy[],
): string[] {
  return whatIfs.map((whatIf) => {
    const { idea, reliesOn } = WHAT_IFS[whatIf.name];
    const idle = strategies.filter((strategy) => !isAtWork(whatIf, strategy));
    const names = [...new Set(idle.map(({ name }) => name))];
    const note = names.length === 0 ? "" : ` It changes nothing in ${names.join(", ")}.`;
    return `what-if ${whatIf.text}, which no kernel has: ${idea}. It relies on this: ${reliesOn}.${note}`;
  });
}
