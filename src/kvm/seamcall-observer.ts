/** What KVM does on the host besides SEAMCALLs. */
export type HostWorkKind = "pageClears4K" | "ipis" | "vcpuKicks";

/** Who is told of every SEAMCALL and of the host's own work: ledger, trace. */
export interface SeamcallObserver {
  /** False for who sums up over LPs: it is told of alike calls on several of them at once. */
  readonly heedsLps?: boolean;
  /** The following calls belong to this phase or ioctl. */
  phase(name: string): void;
  /**
   * `count` calls of a leaf on one LP ended with `status`; `pageSize` is 0, 1, 2 or -1 where there
   * is none.
   */
  seamcalls(
    leafNumber: number,
    leafName: string,
    status: string,
    count: number,
    pageSize: number,
    lp: number,
  ): void;
  hostWork(kind: HostWorkKind, count: number): void;
}
