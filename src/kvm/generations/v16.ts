import type { CallPolicy, KernelGeneration } from "./generation.ts";

/** V19-068: the SEAMCALL wrapper repeats a busy Secure EPT 16 times. */
const SEPT_BUSY_TRIES = 17;
const UNBOUNDED = Number.POSITIVE_INFINITY;

const septBusy: CallPolicy = { retryOn: ["TDX_OPERAND_BUSY|SEPT_TREE"], tries: SEPT_BUSY_TRIES };
/** Busy makes the fault come again, without bound (kvm-teardown B). */
const refault: CallPolicy = { retryOn: ["TDX_OPERAND_BUSY"], tries: UNBOUNDED };

/** Isaku Yamahata's series of 16 October 2023, with patch 113/116. */
export const v16: KernelGeneration = {
  name: "v16",
  title: "KVM TDX patch series v16, 16 October 2023",
  source: "kvm-teardown C.1 to C.4; S0, V16-020, V16-071, V19-062, V19-070",
  strategies: [
    {
      name: "runtime",
      trigger: "memory slot deleted or file descriptors closed while the process lives",
      steps: ["remove-leaves", "release-hkid", "reclaim-tables", "reclaim-control"],
      stepsInIoctl: 0,
      source: "kvm-teardown C.1, C.2, C.3",
    },
    {
      name: "exit",
      trigger: "process exit: MMU notifier release",
      steps: ["release-hkid", "reclaim-leaves", "reclaim-tables", "reclaim-control"],
      stepsInIoctl: 0,
      source: "kvm-teardown C.2, C.3",
    },
    {
      name: "hint",
      trigger: "KVM_TDX_RELEASE_VM while file descriptors are open",
      steps: ["release-hkid", "reclaim-leaves", "reclaim-tables", "reclaim-control"],
      stepsInIoctl: 3,
      source: "kvm-teardown C.4; patch 113/116",
    },
  ],
  policies: {
    septAdd: refault,
    pageAdd: refault,
    pageAug: refault,
    rangeBlock: septBusy,
    memTrack: { retryOn: ["TDX_OPERAND_BUSY"], tries: UNBOUNDED },
    pageRemove: { retryOn: ["TDX_OPERAND_BUSY|SEPT_TREE"], tries: UNBOUNDED },
    pageWbinvd: { retryOn: ["TDX_OPERAND_BUSY|RCX"], tries: UNBOUNDED },
    pageReclaim: { retryOn: ["TDX_OPERAND_BUSY|RCX"], tries: UNBOUNDED },
  },
  cacheWbCalls: UNBOUNDED,
  flushPasses: UNBOUNDED,
  leafLevels: [0],
};
