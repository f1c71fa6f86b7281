import { encodeTdParams } from "../../src/module/encode-td-params.ts";
import { tdAccept } from "../../src/module/guest-accept.ts";
import { EMULATED } from "../../src/module/leaf-table.ts";
import { type CallEnvironment, QUIET, TdxModule } from "../../src/module/module.ts";
import type { Platform } from "../../src/module/platform.ts";
import { R8, R9, R10, R11, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import type { Td } from "../../src/module/tdr.ts";

const GIB = 2 ** 30;
const PAGE_BYTES = 4096;
/** Address of TD_PARAMS: outside the TDMR, where the host keeps its own things. */
export const TD_PARAMS_ADDRESS = GIB;
export const ALL_ONES = 2n ** 64n - 1n;
/** RCX of the details of a table's entry. */
const NL_MAPPED_ENTRY = 7n;
/** What SEPT details show beside the page: of a MAPPED leaf, and of any that is not present. */
export const MAPPED_BITS = 0x8000_0000_0000_00f7n;
export const BLOCKED_BITS = 0x8000_0000_0000_00f0n;
/** RCX of the details of a FREE entry. */
export const FREE_ENTRY = 0x8000_0000_0000_0000n;

const REGISTERS = { rcx: RCX, rdx: RDX, r8: R8, r9: R9, r10: R10, r11: R11 } as const;
type RegisterName = keyof typeof REGISTERS;
const REGISTER_NAMES = Object.keys(REGISTERS) as RegisterName[];

/** Operands of a SEAMCALL by register; what is left out is 0. */
export type Operands = Partial<Record<RegisterName, number | bigint>>;

export interface CallOptions extends Partial<CallEnvironment> {
  /** LP that makes the call, 0 by default. */
  readonly lp?: number;
  readonly version?: number;
  /** Executes the leaf for this many consecutive pages at once. */
  readonly count?: number;
}

/** What a SEAMCALL returned: RAX by name, the other registers as they are. */
export type Answer = { readonly status: string; readonly rax: bigint } & Record<
  RegisterName,
  bigint
>;

/** A platform of two packages with one LP each, HKIDs 32 to 35 and one TDMR at 4 GiB. */
export function testPlatform(changes: Partial<Platform> = {}): Platform {
  return {
    lpToPackage: [0, 1],
    hkids: { first: 32, count: 4, global: 35 },
    hkidShift: 46,
    maxPa: 52,
    cacheSubBlocks: 4,
    tdmrs: [{ base: 4 * GIB, size: 4 * GIB }],
    ...changes,
  };
}

/** A host without KVM: it calls the module leaf by leaf, as the ABI's tables are written. */
export class TestHost {
  readonly module: TdxModule;
  /** Control and Secure EPT pages are taken from the start of the TDMR on. */
  #nextPage: number;
  /** Memory for guests is taken from the middle of the TDMR on. */
  #nextMemory: number;
  #nextHkid: number;

  constructor(changes: Partial<Platform> = {}) {
    const platform = testPlatform(changes);
    const [tdmr = { base: 0, size: 0 }] = platform.tdmrs;
    this.module = new TdxModule(platform);
    this.#nextPage = tdmr.base;
    this.#nextMemory = tdmr.base + tdmr.size / 2;
    this.#nextHkid = platform.hkids.first;
  }

  /** Address of a free page for control structures and tables. */
  page(): number {
    const page = this.#nextPage;
    this.#nextPage += PAGE_BYTES;
    return page;
  }

  /** Address of free memory of `bytes`, aligned to them. */
  memory(bytes = PAGE_BYTES): number {
    const start = Math.ceil(this.#nextMemory / bytes) * bytes;
    this.#nextMemory = start + bytes;
    return start;
  }

  hkid(): number {
    return this.#nextHkid++;
  }

  call(name: string, operands: Operands = {}, options: CallOptions = {}): Answer {
    const { lp = 0, version = 0, count = 1, ...environment } = options;
    const number = EMULATED.find((leaf) => leaf.name === name)?.number;
    if (number === undefined) throw new Error(`${name} is no emulated leaf`);
    const r = new Registers();
    r.setNumber(RAX, number + version * 0x10000);
    for (const register of REGISTER_NAMES) {
      r.set(REGISTERS[register], BigInt(operands[register] ?? 0));
    }
    const status = this.module.seamcall(lp, r, count, { ...QUIET, ...environment });
    return { status: status.text, rax: status.value, ...outputs(r) };
  }

  /** A call that the test needs to succeed before it comes to its point. */
  must(name: string, operands: Operands = {}, options: CallOptions = {}): Answer {
    const answer = this.call(name, operands, options);
    if (answer.status !== "TDX_SUCCESS") throw new Error(`${name}: ${answer.status}`);
    return answer;
  }

  /** TDG.MEM.PAGE.ACCEPT of the vCPU in the guest on `lp`; `TD_EXIT` where it left instead. */
  accept(pageInfo: number | bigint, lp = 0, count = 1): Answer {
    const r = new Registers();
    r.set(RCX, BigInt(pageInfo));
    const status = tdAccept(this.module, lp, r, count);
    return status === null
      ? { status: "TD_EXIT", rax: r.get(RAX), ...outputs(r) }
      : { status: status.text, rax: status.value, ...outputs(r) };
  }
}

function outputs(r: Registers): Record<RegisterName, bigint> {
  const values = REGISTER_NAMES.map((name) => [name, r.get(REGISTERS[name])]);
  return Object.fromEntries(values) as Record<RegisterName, bigint>;
}

/** How far a TD is built (ABI 8, Build). */
export type Stage = "CREATED" | "KEYS_CONFIGURED" | "ADDCX_DONE" | "INITIALIZED" | "RUNNABLE";
const STAGES: readonly Stage[] = [
  "CREATED",
  "KEYS_CONFIGURED",
  "ADDCX_DONE",
  "INITIALIZED",
  "RUNNABLE",
];

export interface TdOptions {
  /** RUNNABLE by default. */
  readonly stage?: Stage;
  readonly attributes?: bigint;
  /** 3, x87 and SSE state, by default. */
  readonly xfam?: bigint;
  /** 3, a 4-level tree, by default. */
  readonly pwl?: 3 | 4;
  readonly gpaw?: 0 | 1;
  readonly numL2Vms?: number;
  /** One by default; none can be finalised. */
  readonly vcpus?: number;
}

/** A TD with its control pages, by address. */
export class TestTd {
  readonly host: TestHost;
  readonly tdr: number;
  readonly hkid: number;
  readonly pwl: number;
  readonly tdcx: number[] = [];
  readonly tdvpr: number[] = [];

  constructor(host: TestHost, options: TdOptions = {}) {
    const { stage = "RUNNABLE", pwl = 3, numL2Vms = 0, vcpus = 1 } = options;
    const isAtLeast = (at: Stage): boolean => STAGES.indexOf(stage) >= STAGES.indexOf(at);
    this.host = host;
    this.pwl = pwl;
    this.tdr = host.page();
    this.hkid = host.hkid();
    host.must("TDH.MNG.CREATE", { rcx: this.tdr, rdx: this.hkid });
    if (isAtLeast("KEYS_CONFIGURED")) {
      for (let lp = 0; lp < host.module.packages; lp++) {
        host.must("TDH.MNG.KEY.CONFIG", { rcx: this.tdr }, { lp });
      }
    }
    if (isAtLeast("ADDCX_DONE")) {
      for (let i = 0; i < 6 + numL2Vms; i++) {
        const page = host.page();
        host.must("TDH.MNG.ADDCX", { rcx: page, rdx: this.tdr });
        this.tdcx.push(page);
      }
    }
    if (isAtLeast("INITIALIZED")) {
      this.#init(options);
      for (let i = 0; i < vcpus; i++) this.#addVcpu(numL2Vms);
    }
    if (isAtLeast("RUNNABLE")) host.must("TDH.MR.FINALIZE", { rcx: this.tdr });
  }

  #init({ attributes = 0n, xfam = 3n, pwl = 3, gpaw = 0, numL2Vms = 0 }: TdOptions): void {
    const bytes = encodeTdParams({
      attributes,
      xfam,
      maxVcpus: 8,
      numL2Vms,
      eptpControls: BigInt(6 + pwl * 8),
      configFlags: BigInt(gpaw),
      tscFrequency: 100,
    });
    this.host.module.hostMemory.write(TD_PARAMS_ADDRESS, bytes);
    this.host.must("TDH.MNG.INIT", { rcx: this.tdr, rdx: TD_PARAMS_ADDRESS });
  }

  #addVcpu(numL2Vms: number): void {
    const { host } = this;
    const tdvpr = host.page();
    host.must("TDH.VP.CREATE", { rcx: tdvpr, rdx: this.tdr });
    for (let i = 1; i < 6 + 3 * numL2Vms; i++) {
      host.must("TDH.VP.ADDCX", { rcx: host.page(), rdx: tdvpr });
    }
    host.must("TDH.VP.INIT", { rcx: tdvpr });
    this.tdvpr.push(tdvpr);
  }

  /** What the module keeps of the TD. */
  get state(): Td {
    return this.host.module.tds.get(this.tdr / PAGE_BYTES) as Td;
  }

  /** A Secure EPT leaf on this TD: page-info in RCX, TDR in RDX. */
  sept(leaf: string, pageInfo: number | bigint, operands: Operands = {}, options?: CallOptions) {
    return this.host.call(leaf, { rcx: pageInfo, rdx: this.tdr, ...operands }, options);
  }

  mustSept(
    leaf: string,
    pageInfo: number | bigint,
    operands: Operands = {},
    options?: CallOptions,
  ): Answer {
    return this.host.must(leaf, { rcx: pageInfo, rdx: this.tdr, ...operands }, options);
  }

  /** The tables missing on the way to entries at `level`; returns their pages, top first. */
  addTables(gpa: number, level = 0): number[] {
    const pages: number[] = [];
    for (let at = this.pwl; at > level; at--) {
      const size = PAGE_BYTES * 512 ** at;
      const pageInfo = Math.floor(gpa / size) * size + at;
      if (this.entry(pageInfo).rcx === NL_MAPPED_ENTRY) continue;
      const page = this.host.page();
      this.mustSept("TDH.MEM.SEPT.ADD", pageInfo, { r8: page });
      pages.push(page);
    }
    return pages;
  }

  /** AUG of free memory at `gpa`; returns its host address. The tables must exist. */
  aug(gpa: number, level: 0 | 1 = 0): number {
    const page = this.host.memory(PAGE_BYTES * 512 ** level);
    this.mustSept("TDH.MEM.PAGE.AUG", gpa + level, { r8: page });
    return page;
  }

  /** VP.ENTER of vCPU `index` on `lp`. */
  enter(index = 0, lp = 0): void {
    this.host.must("TDH.VP.ENTER", { rcx: this.tdvpr[index] as number }, { lp });
  }

  /** SEPT.RD: the entry as the ABI shows it. */
  entry(pageInfo: number): { readonly rcx: bigint; readonly rdx: bigint } {
    const { rcx, rdx } = this.mustSept("TDH.MEM.SEPT.RD", pageInfo);
    return { rcx, rdx };
  }
}
