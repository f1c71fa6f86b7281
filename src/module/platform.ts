/** A memory region the module may use (TDMR); sizes and addresses in bytes. */
export interface Tdmr {
  readonly base: number;
  readonly size: number;
  /** Holes inside it: their pages are PT_RSVD. `offset` counts from `base`. */
  readonly reserved?: readonly { readonly offset: number; readonly size: number }[];
}

/** The machine the module runs on, as far as a SEAMCALL can tell. */
export interface Platform {
  /** Package of each logical processor; the length is the number of LPs. */
  readonly lpToPackage: readonly number[];
  /** Private HKIDs, the module's own (`global`) among them. */
  readonly hkids: { readonly first: number; readonly count: number; readonly global: number };
  /** First address bit of the HKID; the HKID occupies bits 51 down to this one. */
  readonly hkidShift: number;
  /** Physical address width; 5-level EPT needs at least 49. */
  readonly maxPa: number;
  /** Write-back steps of TDH.PHYMEM.CACHE.WB; interrupts are served between two of them. */
  readonly cacheSubBlocks: number;
  readonly tdmrs: readonly Tdmr[];
  /**
   * Keep BEPOCH of pages after they are freed, as the hardware does. TDH.MEM.PAGE.DEMOTE alone
   * lets it be seen again, and it breaks runs of free pages apart, so it is off unless asked for.
   */
  readonly keepsFreedBepoch?: boolean;
  /**
   * The module is a newer one with TDH.PHYMEM.PAMT.ADD and .REMOVE; module 1.5.01 answers
   * TDX_OPERAND_INVALID to both.
   */
  readonly hasDynamicPamt?: boolean;
  /** False: the CPUs are without X86_BUG_TDX_PW_MCE. The module does not care, kernels do. */
  readonly hasPwMce?: boolean;
}

export function packageCount(platform: Platform): number {
  return Math.max(...platform.lpToPackage) + 1;
}

/**
 * A shared HPA operand (ABI 3.1) of a register's bits 51:0 and 63:52: aligned, its HKID below the
 * private ones. It may lie anywhere, also on a page in use.
 */
export function isSharedAddress(
  { hkids, hkidShift }: Platform,
  low: number,
  high: number,
  alignment: number,
): boolean {
  return high === 0 && low % alignment === 0 && Math.floor(low / 2 ** hkidShift) < hkids.first;
}
