import type { Platform } from "../../src/module/platform.ts";
import { Chance } from "./chance.ts";
import { Duel } from "./duel.ts";
import {
  ALL_ONES,
  ENTRY_BYTES,
  KIB4,
  type PageType,
  type PamtEntry,
  type PlainTd,
} from "./plain-state.ts";

const GIB = 2 ** 30;
const BASE = GIB;
const TWO_MIB = 512 * KIB4;
const CONTROL_PAGES = 300;
const PARAMS = 0x1000_0000;
const RESERVED = BASE + 4 * TWO_MIB + 3 * KIB4;
/** 2 MiB areas for data: two whole, one with a reserved page. */
const AREAS = [1, 2, 4].map((area) => BASE + area * TWO_MIB);
const GPAS = [0, KIB4, 2 * KIB4, TWO_MIB, TWO_MIB + KIB4, 2 * TWO_MIB, GIB, 512 * GIB];
const SEPT_LEAVES = [
  "TDH.MEM.RANGE.BLOCK",
  "TDH.MEM.RANGE.UNBLOCK",
  "TDH.MEM.PAGE.REMOVE",
  "TDH.MEM.SEPT.REMOVE",
  "TDH.MEM.PAGE.PROMOTE",
  "TDH.MEM.SEPT.RD",
] as const;

/** A platform of one to three packages with two LPs each. */
function randomPlatform(chance: Chance): Platform {
  const packages = chance.integer(1, 3);
  const first = chance.pick([4, 32]);
  return {
    lpToPackage: Array.from({ length: packages * 2 }, (_, lp) => lp % packages),
    hkids: { first, count: 4, global: first + chance.integer(0, 3) },
    hkidShift: 46,
    maxPa: chance.pick([46, 52]),
    cacheSubBlocks: chance.integer(1, 4),
    tdmrs: [{ base: BASE, size: GIB, reserved: [{ offset: RESERVED - BASE, size: KIB4 }] }],
  };
}

/**
 * A host that makes sense most of the time: it builds, runs and tears TDs down, and errs. Each of
 * its commands is a number of 32 bits, from which it draws what it does: leaving one out of a
 * sequence changes the others only by what it did.
 */
export class RandomHost {
  readonly duel: Duel;
  #chance: Chance;
  readonly #platform: Platform;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#platform = randomPlatform(this.#chance);
    this.duel = new Duel(this.#platform);
  }

  run(commands: readonly number[]): void {
    for (const command of commands) {
      this.#chance = new Chance(command);
      this.#act();
      this.duel.compareWritten();
    }
    this.duel.compareStates();
  }

  #act(): void {
    const chance = this.#chance;
    const td = this.#someTd();
    if (td === null || chance.is(0.04)) this.#build();
    else this.#workOn(td);
  }

  #workOn(td: PlainTd): void {
    const chance = this.#chance;
    chance.pick([
      () => this.#addVcpu(td),
      () => this.#addTables(td),
      () => this.#addTables(td),
      () => this.#addPage(td),
      () => this.#addPage(td),
      () => this.#augLarge(td),
      () => this.#sept(td),
      () => this.#sept(td),
      () => this.#sept(td),
      () => this.#split(td),
      () => this.#track(td),
      () => this.#runGuest(),
      () => this.#runGuest(),
      () => this.#physical(),
      () => this.#finalize(td),
      () => this.#noise(),
      () => (chance.is(0.15) ? this.#tearDown(td) : this.#noise()),
    ])();
  }

  #call(
    leaf: string,
    registers: Parameters<Duel["call"]>[0]["registers"],
    more: { version?: number; lp?: number } = {},
  ): string {
    const chance = this.#chance;
    const lp = more.lp ?? this.#freeLp();
    const version = more.version ?? (chance.is(0.005) ? 1 : 0);
    const environment = {
      quietTests: chance.is(0.15) ? chance.integer(0, 3) : 1000,
      hasEntropy: !chance.is(0.03),
      pconfig: chance.is(0.04) ? chance.pick(["ENTROPY_ERROR", "DEVICE_BUSY"] as const) : "OK",
    } as const;
    return this.duel.call({ lp, leaf, registers, version, environment });
  }

  /** An LP that is not in the guest; the last one never enters it. */
  #freeLp(): number {
    const { guests } = this.duel.plain;
    const free = guests.flatMap((vcpu, lp) => (vcpu === null ? [lp] : []));
    return this.#chance.pick(free);
  }

  #someTd(): PlainTd | null {
    const tds = [...this.duel.plain.tds.values()];
    return tds.length === 0 ? null : this.#chance.pick(tds);
  }

  /** The address of a page of a type in the control area, or now and then something else. */
  #page(type: PageType): bigint {
    const chance = this.#chance;
    if (chance.is(0.06)) return this.#oddPage();
    const { plain } = this.duel;
    if (type === "NDA") {
      for (let tries = 0; tries < CONTROL_PAGES; tries++) {
        const pa = BASE + chance.integer(0, CONTROL_PAGES - 1) * KIB4;
        if (plain.entryAt(0, pa).type === type) return BigInt(pa);
      }
    }
    const pages = [...(plain.pamt[0] as Map<number, PamtEntry>).values()];
    const fitting = pages.filter((page) => page.type === type);
    return BigInt(fitting.length === 0 ? BASE : chance.pick(fitting).index * KIB4);
  }

  #oddPage(): bigint {
    const chance = this.#chance;
    const any = BigInt(BASE + chance.integer(0, CONTROL_PAGES) * KIB4);
    return chance.pick([
      any,
      BigInt(this.#someTd()?.tdr ?? BASE),
      any + 8n,
      any | (1n << 46n),
      any | (1n << 52n),
      BigInt(3 * GIB),
      BigInt(RESERVED),
      BigInt(chance.pick(AREAS) + KIB4),
    ]);
  }

  #tdr(td: PlainTd): bigint {
    return this.#chance.is(0.03) ? this.#oddPage() : BigInt(td.tdr);
  }

  #pageInfo(levels: readonly number[]): bigint {
    const chance = this.#chance;
    const level = chance.pick(levels);
    const bytes = ENTRY_BYTES[level] ?? 1;
    const gpa = chance.pick(GPAS);
    const aligned = chance.is(0.95) ? gpa - (gpa % bytes) : gpa;
    const odd = chance.is(0.02) ? chance.pick([8n, 1n << 47n, 1n << 52n]) : 0n;
    return BigInt(aligned) + BigInt(level) + odd;
  }

  /** The page-info of an entry in use, or of one below a table; often enough of just any. */
  #likelyInfo(td: PlainTd, levels: readonly number[], isNew: boolean): bigint {
    const chance = this.#chance;
    if (chance.is(0.25)) return this.#pageInfo(levels);
    const level = chance.pick(levels);
    const wanted = isNew ? level + 1 : level;
    const indices = [...td.sept].flatMap(([name, { state }]) => {
      const [at, index] = name.split("/").map(Number);
      return at === wanted && (!isNew || state === "NL_MAPPED") ? [index ?? 0] : [];
    });
    if (indices.length === 0) return this.#pageInfo(levels);
    const index = chance.pick(indices);
    const slot = isNew ? index * 512 + chance.integer(0, 2) : index;
    return BigInt(slot) * BigInt(ENTRY_BYTES[level] as number) + BigInt(level);
  }

  #build(): void {
    const chance = this.#chance;
    const { first, count } = this.#platform.hkids;
    const tdr = this.#page("NDA");
    const hkid = BigInt(chance.is(0.05) ? first + count : first + chance.integer(0, count - 1));
    if (this.#call("TDH.MNG.CREATE", { rcx: tdr, rdx: hkid }) !== "SUCCESS") return;
    const numL2Vms = chance.is(0.5) ? 0 : chance.integer(1, 3);
    for (let lp = 0; lp < this.#platform.lpToPackage.length; lp++) {
      if (this.duel.plain.guests[lp] === null)
        this.#call("TDH.MNG.KEY.CONFIG", { rcx: tdr }, { lp });
    }
    const wanted = 6 + numL2Vms + (chance.is(0.1) ? chance.integer(-1, 1) : 0);
    for (
      let i = 0;
      i < 12 && (this.duel.plain.tds.get(Number(tdr))?.tdcx.length ?? 9) < wanted;
      i++
    ) {
      this.#call("TDH.MNG.ADDCX", { rcx: this.#page("NDA"), rdx: tdr });
    }
    const pa = PARAMS + chance.integer(0, 3) * 1024;
    const is5Level = chance.is(0.3);
    this.duel.writeParams(pa, {
      attributes: chance.is(0.1)
        ? chance.pick([1n << 29n, 0x2000_0001n, 2n])
        : chance.pick([0n, 1n]),
      xfam: chance.is(0.03) ? 1n : chance.pick([3n, 7n]),
      maxVcpus: chance.is(0.03) ? 0 : chance.pick([1, 2, 8]),
      numL2Vms: chance.is(0.03) ? 4 : numL2Vms,
      eptpControls: is5Level ? 0x26n : 0x1en,
      configFlags: chance.is(0.04)
        ? chance.pick([1n, 8n])
        : chance.pick([0n, 2n, is5Level ? 1n : 0n]),
      tscFrequency: chance.is(0.03) ? chance.pick([3, 401]) : chance.pick([4, 100, 400]),
    });
    const shared = chance.is(0.1) ? 1n << 46n : 0n;
    this.#call("TDH.MNG.INIT", { rcx: tdr, rdx: BigInt(pa) | shared });
  }

  #addVcpu(td: PlainTd): void {
    const chance = this.#chance;
    const tdvpr = this.#page("NDA");
    if (this.#call("TDH.VP.CREATE", { rcx: tdvpr, rdx: this.#tdr(td) }) !== "SUCCESS") return;
    for (let i = 0; i < 5 + 3 * td.l2.length - (chance.is(0.1) ? 1 : 0); i++) {
      this.#call("TDH.VP.ADDCX", { rcx: this.#page("NDA"), rdx: tdvpr });
    }
    if (chance.is(0.9)) this.#call("TDH.VP.INIT", { rcx: tdvpr });
  }

  #listPage(): bigint {
    const chance = this.#chance;
    if (chance.is(0.3)) return ALL_ONES;
    return this.#page("NDA") | (chance.is(0.2) ? 1n << 63n : 0n);
  }

  /** Tables for a GPA from the top down, with L2 tables as often as not. */
  #addTables(td: PlainTd): void {
    const chance = this.#chance;
    const gpa = BigInt(chance.pick(GPAS));
    const version = chance.pick([0, 1, 1, chance.is(0.05) ? 2 : 0]);
    for (let level = td.pwl; level >= chance.integer(1, 2); level--) {
      const bytes = BigInt(ENTRY_BYTES[level] as number);
      const rcx = chance.is(0.1)
        ? this.#pageInfo([1, 2, 3, 4])
        : gpa - (gpa % bytes) + BigInt(level);
      const flags = BigInt(chance.is(0.6) ? 1 : chance.is(0.05) ? 2 : 0);
      const list = { r9: this.#listPage(), r10: this.#listPage(), r11: this.#listPage() };
      const r8 = chance.is(0.1) ? this.#listPage() : this.#page("NDA");
      const status = this.#call(
        "TDH.MEM.SEPT.ADD",
        { rcx, rdx: this.#tdr(td) | flags, r8, ...list },
        { version },
      );
      if (status === "INTERRUPTED_RESUMABLE") level++;
    }
  }

  #addPage(td: PlainTd): void {
    const chance = this.#chance;
    const area = chance.pick(AREAS);
    const r8 = chance.is(0.7) ? BigInt(area + chance.integer(0, 3) * KIB4) : this.#page("NDA");
    const rdx = this.#tdr(td);
    const rcx = this.#likelyInfo(td, [0], true);
    if (chance.is(0.6)) this.#call("TDH.MEM.PAGE.AUG", { rcx, rdx, r8 });
    else {
      const r9 = BigInt(PARAMS) | (chance.is(0.05) ? 1n << 51n : 0n);
      this.#call("TDH.MEM.PAGE.ADD", { rcx, rdx, r8, r9 });
      this.#call("TDH.MR.EXTEND", { rcx: rcx + 256n * BigInt(chance.integer(0, 16)), rdx });
    }
  }

  #augLarge(td: PlainTd): void {
    const chance = this.#chance;
    const area = chance.is(0.1) ? BASE : chance.pick(AREAS);
    const r8 = BigInt(area + (chance.is(0.05) ? KIB4 : 0));
    this.#call("TDH.MEM.PAGE.AUG", {
      rcx: this.#likelyInfo(td, [1], true),
      rdx: this.#tdr(td),
      r8,
    });
  }

  #sept(td: PlainTd): void {
    const chance = this.#chance;
    const leaf = chance.pick(SEPT_LEAVES);
    const flag = leaf === "TDH.MEM.SEPT.RD" && chance.is(0.3) ? 1n : 0n;
    const hasVersions = leaf === "TDH.MEM.SEPT.REMOVE" || leaf === "TDH.MEM.PAGE.PROMOTE";
    const version = hasVersions ? chance.pick([0, 1, 1, chance.is(0.05) ? 2 : 1]) : 0;
    const rcx = this.#likelyInfo(td, [0, 0, 1, 1, 2, 3, 4], false);
    const registers = { rcx, rdx: this.#tdr(td) | flag };
    this.#call(leaf, registers, { version });
    if (leaf === "TDH.MEM.RANGE.BLOCK" && chance.is(0.6)) {
      if (chance.is(0.7)) this.#track(td);
      const next = chance.pick(SEPT_LEAVES);
      this.#call(next, registers, { version: next.endsWith("SEPT.REMOVE") ? 1 : 0 });
    }
  }

  /** BLOCK, TRACK, DEMOTE, then often the way back: BLOCK, TRACK, PROMOTE. */
  #split(td: PlainTd): void {
    const chance = this.#chance;
    const rcx = this.#likelyInfo(td, [1, 1, 1, 2], false);
    const rdx = this.#tdr(td);
    const block = (): void => {
      if (chance.is(0.9)) this.#call("TDH.MEM.RANGE.BLOCK", { rcx, rdx });
      if (chance.is(0.9)) this.#track(td);
    };
    block();
    const list = { r9: this.#listPage(), r10: this.#listPage(), r11: this.#listPage() };
    const mode = BigInt(chance.is(0.3) ? 1 : 0);
    this.#call("TDH.MEM.PAGE.DEMOTE", { rcx, rdx: rdx | mode, r8: this.#page("NDA"), ...list });
    if (chance.is(0.3)) return;
    block();
    this.#call("TDH.MEM.PAGE.PROMOTE", { rcx, rdx }, { version: chance.pick([0, 1]) });
  }

  #track(td: PlainTd): void {
    this.#call("TDH.MEM.TRACK", { rcx: this.#tdr(td) });
  }

  #finalize(td: PlainTd): void {
    if (this.#chance.is(0.4)) this.#call("TDH.MR.FINALIZE", { rcx: this.#tdr(td) });
  }

  #runGuest(): void {
    const chance = this.#chance;
    const inside = this.duel.plain.guests.flatMap((vcpu, lp) => (vcpu === null ? [] : [lp]));
    if (inside.length > 0 && chance.is(0.75)) {
      const lp = chance.pick(inside);
      const inGuest = this.duel.plain.guests[lp]?.td as PlainTd;
      if (chance.is(0.6)) {
        this.duel.accept(lp, this.#likelyInfo(inGuest, [0, 0, 1, 1, 2], false));
      } else this.duel.exit(lp);
      return;
    }
    if (inside.length + 1 >= this.duel.plain.guests.length) return;
    const flags = chance.is(0.04) ? BigInt(chance.integer(1, 3)) << 52n : 0n;
    this.#call("TDH.VP.ENTER", { rcx: this.#page("TDVPR") | flags });
  }

  #physical(): void {
    const chance = this.#chance;
    const rcx = chance.pick([this.#oddPage(), this.#page("TDVPR"), BigInt(chance.pick(AREAS))]);
    const hkid = BigInt(chance.integer(0, 40)) << 46n;
    if (chance.is(0.4)) this.#call("TDH.PHYMEM.PAGE.RDMD", { rcx });
    else if (chance.is(0.5)) this.#call("TDH.PHYMEM.PAGE.RECLAIM", { rcx });
    else this.#call("TDH.PHYMEM.PAGE.WBINVD", { rcx: rcx | hkid });
  }

  #noise(): void {
    const chance = this.#chance;
    const leaf = chance.pick([
      "TDH.MNG.CREATE",
      "TDH.MNG.KEY.CONFIG",
      "TDH.MNG.ADDCX",
      "TDH.MNG.INIT",
      "TDH.VP.CREATE",
      "TDH.VP.ADDCX",
      "TDH.VP.INIT",
      "TDH.VP.FLUSH",
      "TDH.VP.FLUSH",
      "TDH.MNG.VPFLUSHDONE",
      "TDH.MNG.KEY.FREEID",
      "TDH.MNG.KEY.RECLAIMID",
      "TDH.PHYMEM.CACHE.WB",
    ]);
    const types = ["NDA", "TDR", "TDVPR", "TDCX", "EPT"] as const;
    const isCacheWb = leaf === "TDH.PHYMEM.CACHE.WB";
    const isRare = ["TDH.MNG.VPFLUSHDONE", "TDH.MNG.KEY.FREEID"].includes(leaf);
    if (isRare && !chance.is(0.2)) return;
    const rcx = isCacheWb ? BigInt(chance.integer(0, 2)) : this.#page(chance.pick(types));
    // What the module itself wrote into a page in use is not modelled: no TD_PARAMS there.
    const params = [BigInt(PARAMS), BigInt(PARAMS + 512), BigInt(PARAMS) | (1n << 51n)];
    const rdx = leaf === "TDH.MNG.INIT" ? chance.pick(params) : this.#page(chance.pick(types));
    this.#call(leaf, { rcx, rdx });
  }

  /** Everything that the teardown needs, each step left out now and then. */
  #tearDown(td: PlainTd): void {
    const chance = this.#chance;
    const { plain } = this.duel;
    for (const [lp, vcpu] of plain.guests.entries()) {
      if (vcpu?.td === td && chance.is(0.9)) this.duel.exit(lp);
    }
    for (const vcpu of [...plain.vcpus.values()].filter((each) => each.td === td)) {
      const lp = vcpu.lp !== null && plain.guests[vcpu.lp] === null ? vcpu.lp : this.#freeLp();
      if (chance.is(0.95)) this.#call("TDH.VP.FLUSH", { rcx: BigInt(vcpu.tdvpr) }, { lp });
    }
    const rcx = BigInt(td.tdr);
    this.#call("TDH.MNG.VPFLUSHDONE", { rcx });
    for (const [lp, vcpu] of plain.guests.entries()) {
      if (vcpu !== null || chance.is(0.1)) continue;
      let status = this.#call("TDH.PHYMEM.CACHE.WB", { rcx: 0n }, { lp });
      while (status === "INTERRUPTED_RESUMABLE" && chance.is(0.9)) {
        status = this.#call("TDH.PHYMEM.CACHE.WB", { rcx: 1n }, { lp });
      }
    }
    this.#call("TDH.MNG.KEY.FREEID", { rcx });
    const pages = plain.pamt.flatMap((entries) => [...entries.values()]);
    const owned = pages.filter(({ owner, type }) => owner === td.tdr && type !== "NDA");
    for (const { size, index } of owned) {
      if (chance.is(0.02)) continue;
      const pa = BigInt(index) * BigInt(ENTRY_BYTES[size] as number);
      this.#call("TDH.PHYMEM.PAGE.RECLAIM", { rcx: pa });
      if (chance.is(0.3)) this.#call("TDH.PHYMEM.PAGE.WBINVD", { rcx: pa });
    }
    this.#call("TDH.PHYMEM.PAGE.RECLAIM", { rcx });
  }
}
