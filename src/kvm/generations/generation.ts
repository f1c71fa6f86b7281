/** One step of a teardown, in the order a strategy takes them. */
export type TeardownStep =
  | "remove-leaves"
  | "release-hkid"
  | "reclaim-leaves"
  | "reclaim-tables"
  | "reclaim-control";

export interface Strategy {
  readonly name: string;
  /** What starts it, in the kernel's words. */
  readonly trigger: string;
  readonly steps: readonly TeardownStep[];
  /** Steps done inside the ioctl that starts it; the rest happens when the VM is destroyed. */
  readonly stepsInIoctl: number;
  readonly source: string;
}

/** What one kernel does with a SEAMCALL's status: retried on which, how often, taken as success. */
export interface CallPolicy {
  readonly retryOn?: readonly string[];
  readonly tries?: number;
  readonly accept?: readonly string[];
}

/** A kernel generation: how its KVM differs, as data. */
export interface KernelGeneration {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly strategies: readonly Strategy[];
  /** Secure EPT busy: calls of the SEAMCALL wrapper in all (V19-068). */
  readonly policies: {
    readonly septAdd: CallPolicy;
    readonly pageAdd: CallPolicy;
    readonly pageAug: CallPolicy;
    readonly rangeBlock: CallPolicy;
    readonly memTrack: CallPolicy;
    readonly pageRemove: CallPolicy;
    readonly pageWbinvd: CallPolicy;
    readonly pageReclaim: CallPolicy;
  };
  /** Bound on repeated TDH.PHYMEM.CACHE.WB calls a package. */
  readonly cacheWbCalls: number;
  /** Passes of `tdx_mmu_release_hkid` after FLUSHVP_NOT_DONE. */
  readonly flushPasses: number;
  /** Leaf sizes the kernel maps; a larger one is a what-if and warned of. */
  readonly leafLevels: readonly number[];
}
