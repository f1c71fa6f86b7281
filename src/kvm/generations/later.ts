import type { KernelGeneration } from "./generation.ts";
import { DOUBTS_6_16, v6_16 } from "./v6-16.ts";

/** kvm-teardown D.3, first row: SEAMCALLs as before, the clear only where the CPU needs it. */
export const skipClear: KernelGeneration = {
  ...v6_16,
  name: "skip-clear",
  title: "Reclaimed pages cleared only on CPUs with X86_BUG_TDX_PW_MCE, 22 August 2025",
  status: "merged",
  statusNote: "in tip x86/tdx as 01fb93a363e0; 6.18 by its date",
  section: "D.3",
  source: "PWMCE",
  clears: "with-pw-mce",
  doubts: [
    ...DOUBTS_6_16,
    {
      mark: "UNCONFIRMED",
      about: "the release that has it: 6.18 by its date",
      source: "kvm-teardown D.3, G.3",
    },
  ],
};

/** kvm-teardown D.3: leaves of 2 MiB, split where a part of one goes. */
export const hugePages: KernelGeneration = {
  ...v6_16,
  name: "huge-pages",
  title: "Secure EPT huge pages of 2 MiB, v3 of 6 January 2026",
  status: "proposed",
  statusNote: "not merged as of 28 January 2026, when it was folded into another series",
  section: "1.2, D.3",
  source: "HP3, RFC5, LP5-06",
  leafLevels: [0, 1],
  doubts: [
    ...DOUBTS_6_16,
    {
      mark: "INFERRED",
      about: "whatever is a multiple of 2 MiB is mapped so; what guests accept decides in reality",
      source: "kvm-teardown D.3 gives counts for each leaf, not how many leaves are large",
    },
  ],
};

/** kvm-teardown D.3: PAMT pages for 4 KiB pages come and go with their users. */
export const dynamicPamt: KernelGeneration = {
  ...v6_16,
  name: "dynamic-pamt",
  title: "Dynamic PAMT, v4 of 20 November 2025",
  status: "proposed",
  statusNote: "not merged as of 28 January 2026, when it was folded into another series",
  section: "D.3",
  source: "DP4, RFC5, TM20",
  hasDynamicPamt: true,
  unmeasured: ["Nobody timed TDH.PHYMEM.PAMT.ADD and TDH.PHYMEM.PAMT.REMOVE in public."],
  doubts: [
    ...DOUBTS_6_16,
    {
      mark: "INFERRED",
      about:
        "module 1.5.01 has neither PAMT.ADD (58) nor PAMT.REMOVE (59); leaves of a newer module " +
        "stand in for them, and only their counting of regions is emulated",
      source: "kvm-teardown D.3; TM20",
    },
    {
      mark: "INFERRED",
      about:
        "KVM hands host pages out upwards; where a real host scatters them, more regions of " +
        "2 MiB have users and more PAMT calls are made",
      source: "kvm-teardown D.3 counts regions, not pages",
    },
  ],
};
