import type { BodyPosition } from "./body-progress.ts";
import type { KernelGeneration } from "./generations/generation.ts";
import { GuestMemory, type LeafLevel } from "./guest-memory.ts";
import type { HkidPool } from "./hkid-pool.ts";
import type { HostPages } from "./host-pages.ts";
import type { SeamcallPort } from "./seamcall-port.ts";

/** What a VM is created with; KVM_TDX_INIT_VM and the memory slots say it in the kernel. */
export interface VmShape {
  /** TD_PARAMS.MAX_VCPUS. */
  readonly maxVcpus: number;
  /** Size of the memory slots, in 4 KiB frames. */
  readonly memoryFrames: number;
  readonly septLevels: 4 | 5;
  /** TDCX pages of a TD and TDVPX pages of a vCPU, as KVM reads them from the module's metadata. */
  readonly tdcxPages: number;
  readonly tdvpxPages: number;
}

/** KVM's structure of a vCPU. */
export interface KvmVcpu {
  readonly index: number;
  /** Host pages; null before KVM_TDX_INIT_VCPU and after they were freed. */
  tdvpr: number | null;
  tdvpx: number[];
  isInitialized: boolean;
  /** vcpu->cpu: the LP it was last loaded on, -1 for none. */
  cpu: number;
}

/** How far `tdx_mmu_release_hkid` came, so that an interrupted one goes on where it stopped. */
export type HkidRelease = "assigned" | "flushed" | "released";

/** Consecutive host pages that KVM could not get back, and what they were. */
export interface LeakedPages {
  readonly pfn: number;
  readonly pages: number;
  readonly what: "private page" | "Secure EPT page" | "control page" | "PAMT page";
}

/** How far a zap that blocks all leaves first came: next level and guest frame to block. */
export interface Zap {
  readonly level: LeafLevel;
  readonly from: number;
  /** All are blocked and a new epoch began: removal may start. */
  readonly isTracked: boolean;
}

/** KVM's structures of one TD: plain state, changed by the ioctls and the teardown. */
export interface VmState {
  readonly shape: VmShape;
  hkid: number | null;
  hkidRelease: HkidRelease;
  /** Packages whose caches were written back since VPFLUSHDONE. */
  packagesWrittenBack: number;
  /** TDH.PHYMEM.CACHE.WB of the next package was interrupted and is to be resumed. */
  isWriteBackInterrupted: boolean;
  tdr: number | null;
  /** The TDR was reclaimed; its lines are still to be written back. */
  isTdrReclaimed: boolean;
  tdcx: number[];
  readonly vcpus: KvmVcpu[];
  isFinalized: boolean;
  /** KVM_BUG_ON was hit: the VM answers -EIO from then on. */
  isBugged: boolean;
  /** KVM_TDX_TERMINATE_VM was called. */
  isTerminated: boolean;
  /** The last file descriptor is closed and the teardown over. */
  isDestroyed: boolean;
  /** Pages KVM could not get back, by host frame, with what they were. */
  readonly leaked: LeakedPages[];
  /** What KVM warned of: leaf and status, `TDH.VP.FLUSH TDX_OPERAND_BUSY|RCX`, to how often. */
  readonly warnings: Record<string, number>;
  /** HKIDs that KVM never gets back. */
  readonly leakedHkids: number[];
  /** Place in the removal body at which an interrupted removal of the first leaf goes on. */
  removal: BodyPosition;
  /** A zap that blocks all leaves first (a what-if): null outside of one. */
  zap: Zap | null;
  /** Pages that were removed and not flushed yet (a what-if). */
  readonly unflushed: { readonly pfn: number; pages: number }[];
  /** Guest frames that were converted to shared: KVM maps no private page there. */
  shared: readonly { readonly from: number; readonly to: number }[];
}

/** A KVM VM of type KVM_X86_TDX_VM on one host. */
export class KvmVm {
  readonly generation: KernelGeneration;
  readonly state: VmState;
  readonly memory: GuestMemory;

  constructor(generation: KernelGeneration, state: VmState, memory = new GuestMemory()) {
    this.generation = generation;
    this.state = state;
    this.memory = memory;
  }

  /** KVM_CREATE_VM: software only; no HKID is taken and no SEAMCALL made (V16-021). */
  static create(generation: KernelGeneration, shape: VmShape): KvmVm {
    return new KvmVm(generation, {
      shape,
      hkid: null,
      hkidRelease: "released",
      packagesWrittenBack: 0,
      isWriteBackInterrupted: false,
      tdr: null,
      isTdrReclaimed: false,
      tdcx: [],
      vcpus: [],
      isFinalized: false,
      isBugged: false,
      isTerminated: false,
      isDestroyed: false,
      leaked: [],
      warnings: {},
      leakedHkids: [],
      removal: { step: 0, time: 0 },
      zap: null,
      unflushed: [],
      shared: [],
    });
  }

  get tdrAddress(): number {
    return (this.state.tdr ?? 0) * 4096;
  }

  clone(): KvmVm {
    return new KvmVm(this.generation, copyOf(this.state), this.memory.clone());
  }
}

/** A copy of a VM's state that nothing done to either shows in the other. */
function copyOf(state: VmState): VmState {
  return {
    ...state,
    tdcx: [...state.tdcx],
    vcpus: state.vcpus.map((vcpu) => ({ ...vcpu, tdvpx: [...vcpu.tdvpx] })),
    leaked: [...state.leaked],
    warnings: { ...state.warnings },
    leakedHkids: [...state.leakedHkids],
    unflushed: state.unflushed.map((pages) => ({ ...pages })),
    shared: [...state.shared],
  };
}

/** The host a VM lives on: everything KVM shares between VMs. */
export interface KvmHost {
  readonly port: SeamcallPort;
  readonly pages: HostPages;
  readonly hkids: HkidPool;
  /** Package of each LP. */
  readonly lpToPackage: readonly number[];
  readonly globalHkid: number;
  readonly hkidShift: number;
  /** X86_BUG_TDX_PW_MCE: a partial write to private memory poisons it. */
  readonly hasPwMce: boolean;
  /** What the guest does when a vCPU is in it; not KVM's, and seen by it only through exits. */
  readonly guest: GuestSide;
}

/** The guest as the driver of a vCPU: it accepts pages and leaves. */
export interface GuestSide {
  /** TDG.MEM.PAGE.ACCEPT of `count` consecutive pages by the vCPU in the guest on `lp`. */
  accept(lp: number, gfn: number, level: number, count: number): void;
  /** The vCPU on `lp` leaves the guest, if one is in it there. */
  exit(lp: number): void;
  /** TDVPR page of the vCPU that runs on `lp`; null for none, as for LP -1. */
  runs(lp: number): number | null;
  isAnyRunning(): boolean;
}
