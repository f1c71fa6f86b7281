import { COMMANDS_6_16, RULES_6_16 } from "./commands.ts";
import type { CallPolicy, Doubt, KernelGeneration, Strategy } from "./generation.ts";
import { v16 } from "./v16.ts";

const once: CallPolicy = {};
/** D.1: kick every vCPU out, keep it out, call once more. */
const kickAndRetryOnce: CallPolicy = { retryOn: ["TDX_OPERAND_BUSY"], tries: 2, kicks: true };
/** K616 RDRAND_RETRY_LOOPS, of the SEAMCALL wrapper. */
const entropy: CallPolicy = { retryOn: ["TDX_RND_NO_ENTROPY"], tries: 10 };
const CACHE_WB_CALLS = 10_000;

const SLOW = [
  "remove-leaves",
  "release-hkid",
  "reclaim-vcpus",
  "reclaim-tables",
  "reclaim-td",
] as const;

export const SLOW_STRATEGIES: readonly Strategy[] = [
  {
    name: "runtime",
    trigger: "memory slot deleted, or the last guest_memfd reference dropped: page by page",
    steps: SLOW,
    stepsInIoctl: 0,
    source: "kvm-teardown D.1; K616",
  },
  {
    name: "exit",
    trigger: "process exit: the notifier zaps shared roots only, guest_memfd release the rest",
    steps: SLOW,
    stepsInIoctl: 0,
    source: "kvm-teardown D.1; K616",
  },
];

export const DOUBTS_6_16: readonly Doubt[] = [
  {
    mark: "UNCONFIRMED",
    about:
      "TDCS and TDVPS sizes of modules 1.5 as they ship; taken are the 6 and 6 pages that module " +
      "1.5.01 needs at least",
    source: "kvm-teardown 1.1, G.4",
  },
  {
    mark: "INFERRED",
    about: "removal gets slower with more vCPUs because every TRACK asks all of them",
    source: "kvm-teardown 1.3",
  },
  {
    mark: "INFERRED",
    about: "mmu_lock is taken for writing while the mirror root is zapped at VM destruction",
    source: "kvm-teardown D.1 does not name the lock",
  },
  {
    mark: "INFERRED",
    about:
      "v6.16 calls VP.INIT version 1; the emulated module 1.5.01 knows version 0 only, which is " +
      "called instead",
    source: "kvm-teardown A.2; ABI 7 TDH.VP.INIT",
  },
];

/** Upstream without a fast path: the HKID stays assigned until the last page was removed. */
export const v6_16: KernelGeneration = {
  ...v16,
  name: "v6.16",
  title: "Linux 6.16: every page by the slow path, HKID released at VM destruction",
  status: "merged",
  statusNote: "in Linux 6.16",
  section: "A.1, A.2, D.1",
  source: "K616, ERR",
  commands: COMMANDS_6_16,
  rules: RULES_6_16,
  strategies: SLOW_STRATEGIES,
  policies: {
    ...v16.policies,
    mngCreate: entropy,
    mngAddcx: entropy,
    keyConfig: once,
    mrFinalize: { errno: { TDX_OPERAND_BUSY: "EBUSY" } },
    pageAdd: { errno: { TDX_OPERAND_BUSY: "EBUSY" } },
    rangeBlock: kickAndRetryOnce,
    memTrack: kickAndRetryOnce,
    pageRemove: kickAndRetryOnce,
    pageDemote: {
      retryOn: ["TDX_OPERAND_BUSY", "TDX_INTERRUPTED_RESTARTABLE"],
      tries: 2,
      kicks: true,
    },
    pageWbinvd: once,
    pageReclaim: once,
    tdrWbinvd: once,
  },
  cacheWbCalls: CACHE_WB_CALLS,
  flushPasses: 1,
  mngRdCalls: 2,
  createVcpuNeedsTd: "EIO",
  runNeedsFinalized: true,
  kicks: "after-track",
  locks: {
    ...v16.locks,
    "remove-leaves": ["slots_lock", "invalidate lock of guest_memfd", "mmu_lock for writing"],
    "release-hkid": ["cpus_read_lock", "tdx_lock from VPFLUSHDONE on"],
  },
  mmuLockWriteStretches: [["remove-private"], ["reclaim-sept"]],
  doubts: DOUBTS_6_16,
};
