import { Ledger } from "../../src/ledger/ledger.ts";
import type { PhaseCounts } from "../../src/ledger/phase-counts.ts";

/** A fully populated TD of 4 KiB or 2 MiB pages that starts at GPA 0. */
export interface TdForm {
  readonly gib: number;
  readonly vcpus: number;
  readonly strategy: "runtime" | "hint";
  readonly pageSize?: "4K" | "2M";
}

const CONTROL_PAGES_PER_VCPU = 6;
const TDR_AND_TDCX = 7;

/** Counts of a teardown from the closed forms of kvm-teardown 1.1 and 1.2, one package. */
export function teardownOf({ gib, vcpus, strategy, pageSize = "4K" }: TdForm): PhaseCounts[] {
  const ledger = new Ledger();
  const level = pageSize === "4K" ? 0 : 1;
  const pages = Math.round((gib * 2 ** 30) / (level === 0 ? 4096 : 2 ** 21));
  const clears = level === 0 ? 1 : 512;
  const call = (number: number, leaf: string, count: number, size: -1 | 0 | 1): void =>
    ledger.seamcalls(number, leaf, "TDX_SUCCESS", count, size);
  const reclaim = (phase: string, count: number, size: 0 | 1, perPage: number): void => {
    ledger.phase(phase);
    call(28, "TDH.PHYMEM.PAGE.RECLAIM", count, size);
    ledger.hostWork("pageClears4K", count * perPage);
  };
  if (strategy === "runtime") {
    ledger.phase("remove-private");
    call(7, "TDH.MEM.RANGE.BLOCK", pages, level);
    call(38, "TDH.MEM.TRACK", pages, -1);
    call(29, "TDH.MEM.PAGE.REMOVE", pages, level);
    call(41, "TDH.PHYMEM.PAGE.WBINVD", pages * clears, -1);
    ledger.hostWork("pageClears4K", pages * clears);
    ledger.hostWork("vcpuKicks", pages * vcpus);
  }
  ledger.phase("release-hkid");
  call(18, "TDH.VP.FLUSH", vcpus, -1);
  ledger.hostWork("ipis", vcpus);
  call(19, "TDH.MNG.VPFLUSHDONE", 1, -1);
  call(40, "TDH.PHYMEM.CACHE.WB", 1, -1);
  call(20, "TDH.MNG.KEY.FREEID", 1, -1);
  if (strategy === "hint") reclaim("reclaim-private", pages, level, clears);
  const gibUp = Math.ceil(gib);
  const tables = level === 0 ? Math.round(gib * 512) : 0;
  reclaim("reclaim-sept", tables + gibUp + Math.ceil(gibUp / 512), 0, 1);
  reclaim("reclaim-control", TDR_AND_TDCX + CONTROL_PAGES_PER_VCPU * vcpus, 0, 1);
  call(41, "TDH.PHYMEM.PAGE.WBINVD", 1, -1);
  return ledger.phases();
}
