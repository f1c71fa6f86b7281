import { COMMANDS_V16, COMMANDS_V19, RULES_V16, RULES_V19 } from "./commands.ts";
import type { CallPolicy, Doubt, KernelGeneration, Strategy } from "./generation.ts";

/** V19-068: the SEAMCALL wrapper repeats a busy Secure EPT 16 times. */
const SEPT_BUSY_TRIES = 17;
const UNBOUNDED = Number.POSITIVE_INFINITY;

const once: CallPolicy = {};
const septBusy: CallPolicy = { retryOn: ["TDX_OPERAND_BUSY|SEPT_TREE"], tries: SEPT_BUSY_TRIES };
/** Busy makes the fault come again, without bound (kvm-teardown B). */
const refault: CallPolicy = { retryOn: ["TDX_OPERAND_BUSY"], tries: UNBOUNDED };
const pageBusy: CallPolicy = { retryOn: ["TDX_OPERAND_BUSY|RCX"], tries: UNBOUNDED };

const runtime: Strategy = {
  name: "runtime",
  trigger: "memory slot deleted or file descriptors closed while the process lives",
  steps: ["remove-leaves", "release-hkid", "reclaim-tables", "reclaim-vcpus", "reclaim-td"],
  stepsInIoctl: 0,
  source: "kvm-teardown C.1, C.2, C.3",
};

const exit: Strategy = {
  name: "exit",
  trigger: "process exit: MMU notifier release",
  steps: ["release-hkid", "reclaim-leaves", "reclaim-tables", "reclaim-vcpus", "reclaim-td"],
  stepsInIoctl: 0,
  source: "kvm-teardown C.2, C.3",
  doubts: [
    {
      mark: "UNCONFIRMED",
      about: "the notifier runs before files are closed, unless something else delays mmput",
      source: "kvm-teardown G.7",
    },
  ],
};

const hint: Strategy = {
  name: "hint",
  trigger: "KVM_TDX_RELEASE_VM while file descriptors are open",
  command: "KVM_TDX_RELEASE_VM",
  steps: ["release-hkid", "reclaim-leaves", "reclaim-tables", "reclaim-vcpus", "reclaim-td"],
  stepsInIoctl: 3,
  ioctlLocks: ["kvm->lock", "kvm->srcu"],
  source: "kvm-teardown C.4; patch 113/116",
  doubts: [
    {
      mark: "INFERRED",
      about:
        "a vCPU that enters again between its IPI and VPFLUSHDONE makes the loop spin until it " +
        "is scheduled in once more",
      source: "kvm-teardown C.4; V17-071r, V16-071",
    },
    {
      mark: "INFERRED",
      about: "a release that fails half-way leaves the Secure EPT pages to KVM_BUG_ON",
      source: "kvm-teardown C.4; V16-071, DEV, TM15",
    },
    {
      mark: "INFERRED",
      about:
        "a later KVM_RUN is not stopped by KVM: VP.ENTER returns TDX_TD_KEYS_NOT_CONFIGURED, and " +
        "user space sees KVM_EXIT_INTERNAL_ERROR with that status",
      source: "kvm-teardown C.4; DEV, TM15",
    },
    {
      mark: "UNCONFIRMED",
      about: "no review of the patch itself was found; that there was none",
      source: "kvm-teardown C.5, G.2",
    },
    {
      mark: "INFERRED",
      about: "the command was dropped in v19, which has no text with its name",
      source: "kvm-teardown C.4, G.2",
    },
  ],
};

const DOUBTS: readonly Doubt[] = [
  {
    mark: "UNCONFIRMED",
    about: "which remote TLB flushes add a TRACK of their own; none of them is modelled",
    source: "kvm-teardown 1.2, G.1",
  },
  {
    mark: "UNCONFIRMED",
    about:
      "TDCS and TDVPS sizes of TDX module 1.0, which v16 still supported, and of modules 1.5 as " +
      "they ship; taken are the 6 and 6 pages that module 1.5.01 needs at least",
    source: "kvm-teardown 1.1, G.4",
  },
  {
    mark: "INFERRED",
    about: "removal gets slower with more vCPUs because every TRACK asks all of them",
    source: "kvm-teardown 1.3",
  },
  {
    mark: "INFERRED",
    about: "INIT_VM without a free HKID returns the id allocator's -ENOSPC",
    source: "kvm-teardown A.2",
  },
  {
    mark: "UNCONFIRMED",
    about: "v16's own text of Secure EPT handling and vCPU set-up; v17 and v19 were read instead",
    source: "kvm-teardown G.1",
  },
];

/** Isaku Yamahata's series of 16 October 2023, with patch 113/116. */
export const v16: KernelGeneration = {
  name: "v16",
  title: "KVM TDX patch series v16, 16 October 2023",
  status: "dropped",
  statusNote: "never merged; KVM_TDX_RELEASE_VM was gone in v19",
  section: "C.1 to C.4",
  source: "S0, V16-020, V16-071, V19-062, V19-070",
  commands: COMMANDS_V16,
  rules: RULES_V16,
  strategies: [runtime, exit, hint],
  policies: {
    mngCreate: once,
    mngAddcx: once,
    keyConfig: {
      retryOn: ["TDX_KEY_GENERATION_FAILED", "TDX_OPERAND_BUSY|KET"],
      tries: UNBOUNDED,
    },
    mrFinalize: once,
    septAdd: refault,
    pageAdd: refault,
    pageAug: refault,
    rangeBlock: septBusy,
    memTrack: { retryOn: ["TDX_OPERAND_BUSY"], tries: UNBOUNDED },
    pageRemove: { retryOn: ["TDX_OPERAND_BUSY|SEPT_TREE"], tries: UNBOUNDED },
    pageDemote: {
      retryOn: ["TDX_OPERAND_BUSY|SEPT_TREE", "TDX_INTERRUPTED_RESTARTABLE"],
      tries: UNBOUNDED,
    },
    pageWbinvd: pageBusy,
    pageReclaim: pageBusy,
    tdrWbinvd: pageBusy,
  },
  cacheWbCalls: UNBOUNDED,
  flushPasses: UNBOUNDED,
  mngRdCalls: 1,
  createVcpuNeedsTd: null,
  runNeedsFinalized: false,
  leafLevels: [0],
  clears: "always",
  tracks: "each-leaf",
  kicks: "before-track",
  flushes: "each-page",
  hasDynamicPamt: false,
  terminate: null,
  locks: {
    "remove-leaves": ["mmu_lock for writing"],
    "release-hkid": [
      "cpus_read_lock",
      "tdx_lock from VPFLUSHDONE on",
      "mmu_lock for writing from VPFLUSHDONE on",
    ],
    "reclaim-leaves": ["mmu_lock for writing"],
    "reclaim-tables": ["mmu_lock for writing"],
    "reclaim-vcpus": [],
    "reclaim-td": [],
  },
  mmuLockWriteStretches: [
    ["remove-private"],
    ["release-hkid"],
    ["reclaim-private", "reclaim-sept"],
  ],
  unmeasured: [],
  doubts: DOUBTS,
};

/** RELEASE_VM is word for word the same in v17 and v18 (kvm-teardown C.4, "version drift"). */
export const v17: KernelGeneration = {
  ...v16,
  name: "v17",
  title: "KVM TDX patch series v17, 7 November 2023: tears down as v16",
  section: "C.4, version drift",
  source: "V17-113, V17-00",
};

export const v18: KernelGeneration = {
  ...v16,
  name: "v18",
  title: "KVM TDX patch series v18, 22 January 2024: tears down as v16",
  section: "C.4, version drift",
  source: "V18-118",
};

/** The hint is gone; what is left is v16's. */
export const v19: KernelGeneration = {
  ...v16,
  name: "v19",
  title: "KVM TDX patch series v19, 26 February 2024: no hint",
  status: "dropped",
  statusNote: "never merged; rewritten in September 2024",
  section: "C.4, dropped in v19",
  source: "V19-044, V19-062, V19-068, V19-070, DEV",
  commands: COMMANDS_V19,
  rules: RULES_V19,
  strategies: [runtime, exit],
  doubts: [
    ...DOUBTS,
    {
      mark: "INFERRED",
      about: "RELEASE_VM was dropped: v19 has no text with its name and no room for its patch",
      source: "kvm-teardown C.4, G.2",
    },
    {
      mark: "UNCONFIRMED",
      about:
        "a tree of spring 2024 also repeats RECLAIM on OPERAND_BUSY|TDR and answers missing " +
        "entropy with -EAGAIN or -EBUSY; v19 is modelled without either",
      source: "kvm-teardown A.2, C.3; DEV",
    },
  ],
};
