import { COMMANDS_TERMINATE, RULES_TERMINATE, RULES_TERMINATE_5OF5 } from "./commands.ts";
import type { KernelGeneration, Strategy } from "./generation.ts";
import { DOUBTS_6_16, SLOW_STRATEGIES, v6_16 } from "./v6-16.ts";

const terminate: Strategy = {
  name: "terminate",
  trigger: "KVM_TDX_TERMINATE_VM, then guest_memfd and VM are closed",
  command: "KVM_TDX_TERMINATE_VM",
  steps: ["release-hkid", "reclaim-leaves", "reclaim-vcpus", "reclaim-tables", "reclaim-td"],
  stepsInIoctl: 1,
  ioctlLocks: ["kvm->lock", "the mutex of every vCPU, tried (let go of before the release)"],
  source: "kvm-teardown D.2; T-V4, T-v5, T-5/5",
};

const MERGE = {
  mark: "UNCONFIRMED",
  about: "no merge was seen in any release; a later one cannot be excluded",
  source: "kvm-teardown D.2, G.3",
} as const;

const base: Omit<KernelGeneration, "name" | "title"> = {
  ...v6_16,
  status: "proposed",
  statusNote: "applied in June 2025, not pulled for 6.17; no merge seen since",
  section: "D.2",
  source: "T-V4, T-V4r, T-PR",
  commands: COMMANDS_TERMINATE,
  rules: RULES_TERMINATE,
  strategies: [...SLOW_STRATEGIES, terminate],
  terminate: { refuses: "every" },
  locks: {
    ...v6_16.locks,
    "release-hkid": [
      "cpus_read_lock",
      "tdx_lock from VPFLUSHDONE on",
      "mmu_lock for writing around CACHE.WB and FREEID",
    ],
    "reclaim-leaves": ["slots_lock", "invalidate lock of guest_memfd", "mmu_lock for writing"],
  },
  // V4 takes mmu_lock for writing around CACHE.WB and FREEID.
  mmuLockWriteStretches: [
    ["remove-private"],
    ["release-hkid"],
    ["reclaim-private"],
    ["reclaim-sept"],
  ],
  doubts: [...DOUBTS_6_16, MERGE],
};

export const terminateV4: KernelGeneration = {
  ...base,
  name: "terminate-v4",
  title: "KVM_TDX_TERMINATE_VM, V4 of 11 June 2025",
};

/** As V4, with a capability bit by which user space finds the command. */
export const terminateV5: KernelGeneration = {
  ...base,
  name: "terminate-v5",
  title: "KVM_TDX_TERMINATE_VM, v5 of 18 July 2025: as V4, with KVM_TDX_CAP_TERMINATE_VM",
  statusNote: "in tag kvm-x86-vmx-6.17, not pulled; no merge seen since",
  source: "T-v5, T-PR",
};

export const terminate5of5: KernelGeneration = {
  ...base,
  name: "terminate-5of5",
  title: "KVM_TDX_TERMINATE_VM, patch 5/5 of 29 July 2025: ioctls refused only if bugged",
  statusNote: "proposed and reviewed; no merge seen",
  source: "T-5/5, T-0801",
  rules: RULES_TERMINATE_5OF5,
  terminate: { refuses: "bugged" },
};
