/**
 * What the life of a TD costs on kernel generation v16, by the formulas of kvm-teardown 1.1, 1.2,
 * A.2, B, C.1 to C.3. Written from that text alone: nothing here comes from the emulator, so that
 * the two can be held against each other.
 */

export interface TdForm {
  readonly memoryBytes: number;
  readonly populatedBytes: number;
  readonly initialImageBytes: number;
  readonly pageSize: "4K" | "2M";
  readonly layout: "contiguous" | "q35" | "alternate";
  readonly vcpus: number;
  readonly packages: number;
  /** False: the initial image is all that was ever mapped. */
  readonly finalized: boolean;
}

/** SEAMCALLs of one ioctl or teardown phase by leaf, zeros left out. */
export interface PhaseForm {
  readonly phase: string;
  readonly byLeaf: Readonly<Record<string, number>>;
}

export interface TeardownForm {
  readonly phases: readonly PhaseForm[];
  readonly total: number;
  readonly pagesCleared: number;
  readonly ipis: number;
  readonly vcpuKicks: number;
}

const KIB_4 = 4096;
const MIB_2 = 2 ** 21;
const GIB_2 = 2 ** 31;
const GIB_4 = 2 ** 32;
/** What a Secure EPT page below the root maps, lowest level first: 512 entries each. */
const TABLE_BYTES = { leaf: MIB_2, gib: 2 ** 30, top: 2 ** 39 } as const;
/** C and X of kvm-teardown 1.1: TDCX pages of a TD, TDVPX pages of a vCPU. */
const TDCX = 6;
const TDVPX = 5;
/** MR.EXTEND measures 256 bytes. */
const EXTENDS_PER_PAGE = 16;

function pageBytes(td: TdForm): number {
  return td.pageSize === "4K" ? KIB_4 : MIB_2;
}

/** Bytes mapped when the TD is torn down, and the part of them that has 4 KiB pages always. */
function mappedBytes(td: TdForm): number {
  return td.finalized ? td.populatedBytes : td.initialImageBytes;
}

/** Leaves by size: N of kvm-teardown 1.1. */
export function leaves(td: TdForm): { readonly "4K": number; readonly "2M": number } {
  const image = td.initialImageBytes / KIB_4;
  const later = (mappedBytes(td) - td.initialImageBytes) / pageBytes(td);
  return td.pageSize === "4K" ? { "4K": image + later, "2M": 0 } : { "4K": image, "2M": later };
}

/** Tables of `bytes` that map part of the first `upTo` bytes of a TD's memory. */
function tablesOfSize(td: TdForm, upTo: number, bytes: number): number {
  if (upTo === 0) return 0;
  const index = (address: number): number => Math.floor(address / bytes);
  switch (td.layout) {
    case "contiguous":
      return index(upTo - 1) + 1;
    case "alternate": {
      const page = pageBytes(td);
      const pages = upTo / page;
      // Pages lie two page sizes apart; a table that maps one page only maps no other.
      return bytes === page ? pages : index(2 * (pages - 1) * page) + 1;
    }
    case "q35": {
      const below = Math.min(upTo, GIB_2);
      const low = index(below - 1) + 1;
      if (upTo <= GIB_2) return low;
      const first = index(GIB_4);
      const last = index(GIB_4 + (upTo - GIB_2) - 1);
      const shared = first < low ? 1 : 0;
      return low + last - first + 1 - shared;
    }
  }
}

/** Secure EPT pages below the root for the first `upTo` bytes, lowest level first. */
function tablesByLevel(td: TdForm, upTo: number): readonly [number, number, number] {
  // 2 MiB pages need no table of the lowest level, the initial image always does.
  const small = td.pageSize === "4K" ? upTo : Math.min(upTo, td.initialImageBytes);
  return [
    tablesOfSize(td, small, TABLE_BYTES.leaf),
    tablesOfSize(td, upTo, TABLE_BYTES.gib),
    tablesOfSize(td, upTo, TABLE_BYTES.top),
  ];
}

/** S of kvm-teardown 1.1, of the first `upTo` bytes. */
function tables(td: TdForm, upTo: number): number {
  return tablesByLevel(td, upTo).reduce((sum, count) => sum + count, 0);
}

/** S of the whole TD by level, the tables of leaves first. */
export function septPagesByLevel(td: TdForm): readonly [number, number, number] {
  return tablesByLevel(td, mappedBytes(td));
}

export function septPages(td: TdForm): number {
  return tables(td, mappedBytes(td));
}

/** TDR, TDCX, and a TDVPR with its TDVPX for each vCPU. */
export function controlPages(td: TdForm): number {
  return 1 + TDCX + td.vcpus * (1 + TDVPX);
}

function phase(name: string, byLeaf: Readonly<Record<string, number>>): PhaseForm {
  const used = Object.entries(byLeaf).filter(([, count]) => count > 0);
  return { phase: name, byLeaf: Object.fromEntries(used) };
}

function withoutEmpty(phases: readonly PhaseForm[]): PhaseForm[] {
  return phases.filter(({ byLeaf }) => Object.keys(byLeaf).length > 0);
}

/** KVM_TDX_INIT_VM and KVM_TDX_INIT_VCPU (kvm-teardown A.2). */
export function creation(td: TdForm): PhaseForm[] {
  return [
    phase("KVM_TDX_INIT_VM", {
      "TDH.MNG.CREATE": 1,
      "TDH.MNG.KEY.CONFIG": td.packages,
      "TDH.MNG.ADDCX": TDCX,
      "TDH.MNG.INIT": 1,
      "TDH.MNG.RD": 1,
    }),
    phase("KVM_TDX_INIT_VCPU", {
      "TDH.VP.CREATE": td.vcpus,
      "TDH.VP.ADDCX": TDVPX * td.vcpus,
      "TDH.VP.INIT": td.vcpus,
      "TDH.VP.WR": 3 * td.vcpus,
    }),
  ];
}

/** The initial image, KVM_TDX_FINALIZE_VM and a fault for each further page (kvm-teardown A.2, B). */
export function population(td: TdForm): PhaseForm[] {
  const image = td.initialImageBytes / KIB_4;
  const imageTables = tables(td, td.initialImageBytes);
  const faults = (mappedBytes(td) - td.initialImageBytes) / pageBytes(td);
  return withoutEmpty([
    phase("KVM_TDX_INIT_MEM_REGION", {
      "TDH.MEM.SEPT.ADD": imageTables,
      "TDH.MEM.PAGE.ADD": image,
      "TDH.MR.EXTEND": EXTENDS_PER_PAGE * image,
    }),
    phase("KVM_TDX_FINALIZE_VM", { "TDH.MR.FINALIZE": td.finalized ? 1 : 0 }),
    phase("KVM_RUN", {
      "TDH.MEM.SEPT.ADD": septPages(td) - imageTables,
      "TDH.MEM.PAGE.AUG": faults,
      "TDH.VP.ENTER": faults,
    }),
  ]);
}

/** Rows A, B and C of kvm-teardown 1.1: which of them a strategy takes. */
export function teardown(td: TdForm, strategy: "runtime" | "exit" | "hint"): TeardownForm {
  const { "4K": small, "2M": large } = leaves(td);
  const all = small + large;
  const frames = small + 512 * large;
  const isRuntime = strategy === "runtime";
  const removed = isRuntime ? all : 0;
  const tracked = td.finalized ? removed : 0;
  const phases = withoutEmpty([
    phase("remove-private", {
      "TDH.MEM.RANGE.BLOCK": removed,
      "TDH.MEM.TRACK": tracked,
      "TDH.MEM.PAGE.REMOVE": removed,
      "TDH.PHYMEM.PAGE.WBINVD": isRuntime ? frames : 0,
    }),
    phase("release-hkid", {
      "TDH.VP.FLUSH": td.vcpus,
      "TDH.MNG.VPFLUSHDONE": 1,
      "TDH.PHYMEM.CACHE.WB": td.packages,
      "TDH.MNG.KEY.FREEID": 1,
    }),
    phase("reclaim-private", { "TDH.PHYMEM.PAGE.RECLAIM": all - removed }),
    phase("reclaim-sept", { "TDH.PHYMEM.PAGE.RECLAIM": septPages(td) }),
    phase("reclaim-control", {
      "TDH.PHYMEM.PAGE.RECLAIM": controlPages(td),
      "TDH.PHYMEM.PAGE.WBINVD": 1,
    }),
  ]);
  const counts = phases.flatMap(({ byLeaf }) => Object.values(byLeaf));
  return {
    phases,
    total: counts.reduce((sum, count) => sum + count, 0),
    pagesCleared: frames + septPages(td) + controlPages(td),
    ipis: td.vcpus,
    vcpuKicks: tracked * td.vcpus,
  };
}
