import { encodeTdParams, type TdParamsFields } from "../../src/module/encode-td-params.ts";
import { vpExit } from "../../src/module/guest.ts";
import { tdAccept } from "../../src/module/guest-accept.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { EMULATED } from "../../src/module/leaf-table.ts";
import { type CallEnvironment, QUIET, TdxModule } from "../../src/module/module.ts";
import type { Platform } from "../../src/module/platform.ts";
import { R8, R9, R10, R11, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { PlainModule } from "./plain-module.ts";
import { PAGE_BYTES, type PamtEntry, type PlainRegisters, TYPES } from "./plain-state.ts";

const REGISTERS = { rcx: RCX, rdx: RDX, r8: R8, r9: R9, r10: R10, r11: R11 } as const;
const NAMES = Object.keys(REGISTERS) as (keyof PlainRegisters)[];
const LINES = 12;
const NUMBERS = new Map(EMULATED.map(({ name, number }) => [name, number]));

export interface DuelCall {
  readonly lp: number;
  readonly leaf: string;
  readonly registers: Partial<PlainRegisters>;
  readonly version?: number;
  readonly environment?: Partial<CallEnvironment>;
}

/** The emulator and the plain model side by side: each call goes to both and must end alike. */
export class Duel {
  readonly emulator: TdxModule;
  readonly plain: PlainModule;
  /** Calls of both sides, the guests' included. */
  calls = 0;
  /** The latest lines of what was done, for a failing test. */
  readonly #log: (() => string)[] = [];
  readonly reached = new Set<string>();

  constructor(platform: Platform) {
    this.emulator = new TdxModule({ ...platform, keepsFreedBepoch: true });
    this.plain = new PlainModule(platform);
  }

  call({ lp, leaf, registers, version = 0, environment = {} }: DuelCall): string {
    const around: CallEnvironment = { ...QUIET, ...environment };
    const r = new Registers();
    r.setNumber(RAX, (NUMBERS.get(leaf) as number) + version * 0x10000);
    const plainRegisters = { rcx: 0n, rdx: 0n, r8: 0n, r9: 0n, r10: 0n, r11: 0n, ...registers };
    for (const name of NAMES) r.set(REGISTERS[name], plainRegisters[name]);
    const emulated = this.emulator.seamcall(lp, r, 1, around).text.replace("TDX_", "");
    const plain = this.plain.seamcall(lp, leaf, version, plainRegisters, around);
    this.#record(() => `LP ${lp} ${leaf} v${version} ${shown(registers)} -> ${plain}`);
    this.reached.add(`${leaf} ${plain}`);
    this.#compare("status", emulated, plain);
    for (const name of NAMES) {
      const output = r.get(REGISTERS[name]);
      if (output !== plainRegisters[name]) {
        this.#compare(name, output.toString(16), plainRegisters[name].toString(16));
      }
    }
    return plain;
  }

  accept(lp: number, word: bigint): string {
    const r = new Registers();
    r.set(RCX, word);
    const status = tdAccept(this.emulator, lp, r, 1);
    const plain = this.plain.accept(lp, word);
    this.#record(() => `LP ${lp} ACCEPT 0x${word.toString(16)} -> ${plain.status}`);
    this.reached.add(`ACCEPT ${plain.status}`);
    this.#compare("status", status?.text.replace("TDX_", "") ?? "TD_EXIT", plain.status);
    if (status !== null) return plain.status;
    const outputs = [RAX, RCX, RDX, R8, R9].map((register) => r.get(register));
    this.#compare("exit", outputs.join(), plain.outputs.join());
    return plain.status;
  }

  exit(lp: number): void {
    this.#record(() => `LP ${lp} exit`);
    vpExit(this.emulator, lp);
    this.plain.exit(lp);
  }

  writeParams(pa: number, params: TdParamsFields): void {
    this.#record(() => `TD_PARAMS at 0x${pa.toString(16)}`);
    this.emulator.hostMemory.write(pa, encodeTdParams(params));
    this.plain.params.set(pa, params);
  }

  /** Compares the PAMT entries that the plain model wrote to since the last time. */
  compareWritten(): void {
    this.#comparePages(this.plain.written);
    this.plain.written.clear();
  }

  /** Compares the states: every PAMT entry that the plain model knows, and the TDs' counters. */
  compareStates(): void {
    this.#compare("invariants", checkInvariants(this.emulator).join("; "), "");
    for (const entries of this.plain.pamt) this.#comparePages(entries.values());
    for (const td of this.plain.tds.values()) {
      const emulated = this.emulator.tds.get(td.tdr / PAGE_BYTES[0]);
      const counters = [emulated?.chldcnt, emulated?.lifecycle, emulated?.tdcs.numAssocVcpus];
      this.#compare("TD", counters.join(), [td.chldcnt, td.lifecycle, td.numAssoc].join());
    }
  }

  #comparePages(entries: Iterable<PamtEntry>): void {
    const { pamt } = this.emulator;
    for (const { size, index, type, owner, bepoch } of entries) {
      const at = size as 0 | 1 | 2;
      const owned = pamt.owner(index, at) * PAGE_BYTES[0];
      const isSame = pamt.type(index, at) === TYPES[type] && owned === owner;
      if (isSame && pamt.bepoch(index, at) === bepoch) continue;
      const actual = [pamt.type(index, at), owned, pamt.bepoch(index, at)];
      this.#compare(`page ${size}/${index}`, actual.join(), [TYPES[type], owner, bepoch].join());
    }
  }

  #record(line: () => string): void {
    this.calls++;
    this.#log[this.calls % LINES] = line;
  }

  #compare(what: string, emulated: string, plain: string): void {
    if (emulated === plain) return;
    const first = this.calls + 1;
    const lines = Array.from({ length: LINES }, (_, i) => this.#log[(first + i) % LINES]?.() ?? "");
    const log = lines.join("\n  ");
    throw new Error(`${what}: emulator ${emulated}, plain model ${plain}, after\n  ${log}`);
  }
}

function shown(registers: Partial<PlainRegisters>): string {
  return Object.entries(registers)
    .map(([name, value]) => `${name} 0x${value.toString(16)}`)
    .join(" ");
}
