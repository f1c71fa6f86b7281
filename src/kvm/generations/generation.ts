import type { Errno } from "../kvm-error.ts";

/** How far a statement is from what was read: the reference's own two words for it. */
export type Mark = "INFERRED" | "UNCONFIRMED";

/** Something that a user should know is not read off the kernel. */
export interface Doubt {
  readonly mark: Mark;
  readonly about: string;
  readonly source: string;
}

/** One step of a teardown, in the order a strategy takes them. */
export type TeardownStep =
  | "remove-leaves"
  | "release-hkid"
  | "reclaim-leaves"
  | "reclaim-tables"
  | "reclaim-vcpus"
  | "reclaim-td";

export interface Strategy {
  readonly name: string;
  /** What starts it, in the kernel's words. */
  readonly trigger: string;
  /** The sub-command that starts it, where one does. */
  readonly command?: string;
  readonly steps: readonly TeardownStep[];
  /** Steps done inside that sub-command; the rest happens when file descriptors are closed. */
  readonly stepsInIoctl: number;
  /** What is held all through that sub-command, outermost first. */
  readonly ioctlLocks?: readonly string[];
  readonly source: string;
  readonly doubts?: readonly Doubt[];
}

/** What one kernel does with a SEAMCALL's status. */
export interface CallPolicy {
  /** Statuses, with or without operand, after which it calls again, `tries` calls at most. */
  readonly retryOn?: readonly string[];
  readonly tries?: number;
  /** Every vCPU is kicked out and held outside before the next try (`no entry` flag, D.1). */
  readonly kicks?: boolean;
  /** What the ioctl returns after the last try, by status name; -EIO where none is said. */
  readonly errno?: Readonly<Partial<Record<string, Errno>>>;
}

/** The calls whose retries differ between kernels. */
export type PolicyName =
  | "mngCreate"
  | "mngAddcx"
  | "keyConfig"
  | "mrFinalize"
  | "septAdd"
  | "pageAdd"
  | "pageAug"
  | "rangeBlock"
  | "memTrack"
  | "pageRemove"
  | "pageDemote"
  | "pageWbinvd"
  | "pageReclaim"
  | "tdrWbinvd";

/** A sub-command of KVM_MEMORY_ENCRYPT_OP (kvm-teardown A.1). */
export interface SubCommand {
  readonly id: number;
  readonly name: string;
  readonly scope: "VM" | "vCPU";
}

/** What makes an ioctl fail, and with which errno (kvm-teardown A.2, C.4, D.2). */
export interface IoctlRule {
  readonly ioctl: string;
  readonly when: string;
  readonly errno: Errno;
  readonly source: string;
  readonly mark?: Mark;
}

/** Where a generation stands with the kernel that people run. */
export type KernelStatus = "merged" | "proposed" | "dropped";

/** When a page that came back is cleared: see {@link KernelGeneration.clears}. */
export type ClearPolicy = "always" | "with-pw-mce" | "never";

/** What KVM_TDX_TERMINATE_VM leaves of the VM's ioctls (kvm-teardown D.2). */
export interface TerminateRules {
  /** `every`: each ioctl answers -EIO, a second TERMINATE_VM too; `bugged`: only after a bug. */
  readonly refuses: "every" | "bugged";
}

/** A kernel generation: how its KVM differs, as data. */
export interface KernelGeneration {
  readonly name: string;
  readonly title: string;
  readonly status: KernelStatus;
  /** Where it was merged or dropped, one line. */
  readonly statusNote: string;
  /** Section of the reference that describes it. */
  readonly section: string;
  readonly source: string;
  readonly commands: readonly SubCommand[];
  readonly rules: readonly IoctlRule[];
  readonly strategies: readonly Strategy[];
  readonly policies: Readonly<Record<PolicyName, CallPolicy>>;
  /** Bound on TDH.PHYMEM.CACHE.WB calls a package. */
  readonly cacheWbCalls: number;
  /** Passes of `tdx_mmu_release_hkid` after FLUSHVP_NOT_DONE; 1 gives up at once. */
  readonly flushPasses: number;
  /** MNG.RD calls of INIT_VM. */
  readonly mngRdCalls: number;
  /** KVM_CREATE_VCPU looks whether the TD was initialised, and how it answers if not. */
  readonly createVcpuNeedsTd: Errno | null;
  /** KVM_RUN of a TD that is not finalized is -EINVAL; without the check VP.ENTER fails instead. */
  readonly runNeedsFinalized: boolean;
  /** Leaf sizes the kernel maps, by level; a larger one is a what-if and warned of. */
  readonly leafLevels: readonly number[];
  /** Pages that came back are cleared always, only with X86_BUG_TDX_PW_MCE, or never. */
  readonly clears: ClearPolicy;
  /** TLB shoot-down for every leaf, or one for all leaves of a zap (a what-if). */
  readonly tracks: "each-leaf" | "each-zap";
  /** vCPUs are asked to leave the guest before TRACK (C.1) or after it (D.1). */
  readonly kicks: "before-track" | "after-track";
  /** PAGE.WBINVD of every page, or the host's own WBINVD a package (a what-if). */
  readonly flushes: "each-page" | "each-zap";
  /** TDH.PHYMEM.PAMT.ADD and .REMOVE for every 2 MiB region with pages of 4 KiB in use. */
  readonly hasDynamicPamt: boolean;
  /** What KVM_TDX_TERMINATE_VM forbids afterwards; null where there is no such command. */
  readonly terminate: TerminateRules | null;
  /** Locks of the host held in each step, outermost first. */
  readonly locks: Readonly<Record<TeardownStep, readonly string[]>>;
  /** Phases under mmu_lock for writing, those together between which it is kept. */
  readonly mmuLockWriteStretches: readonly (readonly string[])[];
  /** Why no profile can have measured this kernel, one sentence each. */
  readonly unmeasured: readonly string[];
  readonly doubts: readonly Doubt[];
}
