import { encodeTdParams } from "../../src/module/encode-td-params.ts";
import { TdxModule } from "../../src/module/module.ts";
import type { Platform } from "../../src/module/platform.ts";

/** How much there is on the host that is searched. */
export interface Scope {
  readonly tds: number;
  readonly vcpus: number;
  readonly dataPages: number;
  /** A TD is built, from CREATE to its last table, in one move: only its life is searched. */
  readonly isBuiltAtOnce: boolean;
}

const GIB = 2 ** 30;
export const PAGE = 4096;
const BASE = 4 * GIB;
export const PARAMS = GIB;
export const SOURCE = 2 * GIB;
/** Six TDCX pages and five TDVPX pages are added in one move: their order is of no interest. */
export const TDCX = 6;
export const TDVPX = 5;
export const FIRST_HKID = 32;

/**
 * LPs 0 and 1 enter guests, 2 and 3 never do and make all other calls; one of each on either of two
 * packages. The third HKID is the module's own.
 */
const PLATFORM: Platform = {
  lpToPackage: [0, 1, 0, 1],
  hkids: { first: FIRST_HKID, count: 3, global: FIRST_HKID + 2 },
  hkidShift: 46,
  maxPa: 52,
  cacheSubBlocks: 2,
  tdmrs: [{ base: BASE, size: GIB }],
};
export const GUEST_LPS = [0, 1];
export const HOST_LPS = [2, 3];

/** Where the things of a TD lie: every TD has pages of its own, HKID number `FIRST_HKID + td`. */
export function placesOf(td: number) {
  const at = BASE + td * 64 * PAGE;
  return {
    tdr: at,
    tdcx: (i: number) => at + (1 + i) * PAGE,
    tdvpr: (vcpu: number) => at + (10 + vcpu * 8) * PAGE,
    tdvpx: (vcpu: number, i: number) => at + (11 + vcpu * 8 + i) * PAGE,
    table: (level: number) => at + (40 + level) * PAGE,
    data: (i: number) => at + (50 + i) * PAGE,
  };
}

/** Pages of a TD that are no data: all but the TDR, in the order in which they are reclaimed. */
export function controlPagesOf(td: number, { vcpus }: Scope): number[] {
  const { tdcx, tdvpr, tdvpx, table } = placesOf(td);
  const pages = [1, 2, 3].map(table);
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    for (let i = 0; i < TDVPX; i++) pages.push(tdvpx(vcpu, i));
    pages.push(tdvpr(vcpu));
  }
  for (let i = 0; i < TDCX; i++) pages.push(tdcx(i));
  return pages;
}

export function blankModule(): TdxModule {
  const m = new TdxModule(PLATFORM);
  const params = encodeTdParams({
    attributes: 0n,
    xfam: 3n,
    maxVcpus: 2,
    numL2Vms: 0,
    eptpControls: BigInt(6 | (3 << 3)),
    configFlags: 0n,
    tscFrequency: 100,
  });
  m.hostMemory.write(PARAMS, params);
  return m;
}
