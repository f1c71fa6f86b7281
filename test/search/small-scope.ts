import { createHash } from "node:crypto";
import { encodeTdParams } from "../../src/module/encode-td-params.ts";
import { vpExit } from "../../src/module/guest.ts";
import { tdAccept } from "../../src/module/guest-accept.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { EMULATED } from "../../src/module/leaves/index.ts";
import { TdxModule } from "../../src/module/module.ts";
import type { Platform } from "../../src/module/platform.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { cloneModule, moduleToJSON } from "../../src/module/snapshot.ts";

/** How far the search looks. */
export interface Scope {
  readonly tds: number;
  readonly vcpus: number;
  readonly dataPages: number;
  readonly states: number;
}

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  /** True when no state was left unlooked at. */
  readonly isExhaustive: boolean;
  /** States from which no TD-free state was reached (I-14), when the search was exhaustive. */
  readonly deadEnds: number;
  /** Leaf and status pairs that were answered. */
  readonly pairs: ReadonlySet<string>;
}

const GIB = 2 ** 30;
const PAGE = 4096;
const BASE = 4 * GIB;
const PARAMS = GIB;
const SOURCE = 2 * GIB;
const NUMBERS = new Map(EMULATED.map(({ name, number }) => [name, number]));
const REGISTERS = [RCX, RDX, R8, R9] as const;
/** Six TDCX pages and five TDVPX pages are added in one move: their order is of no interest. */
const TDCX = 6;
const TDVPX = 5;
const EPOCHS = 4;

const PLATFORM: Platform = {
  lpToPackage: [0, 1],
  hkids: { first: 32, count: 3, global: 34 },
  hkidShift: 46,
  maxPa: 52,
  cacheSubBlocks: 2,
  tdmrs: [{ base: BASE, size: GIB }],
};

interface Move {
  readonly name: string;
  run(m: TdxModule): string;
}

function call(m: TdxModule, lp: number, leaf: string, ...operands: number[]): string {
  const r = new Registers();
  r.setNumber(RAX, NUMBERS.get(leaf) as number);
  for (const [i, operand] of operands.entries()) r.setNumber(REGISTERS[i] as number, operand);
  return m.seamcall(lp, r, 1, { quietTests: 1e9, pconfig: "OK", hasEntropy: true }).text;
}

/** Where each thing of TD `td` lies: its control pages, its tables, its data pages. */
function placesOf(td: number) {
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

/** Every SEAMCALL that a host might make on these few things, sensible or not. */
function movesOf(scope: Scope): Move[] {
  const moves: Move[] = [];
  const one = (lp: number, leaf: string, ...operands: number[]): void => {
    const name = `${lp} ${leaf} ${operands.map((each) => each.toString(16))}`;
    moves.push({ name, run: (m) => call(m, lp, leaf, ...operands) });
  };
  for (let td = 0; td < scope.tds; td++) {
    const { tdr, tdcx, tdvpr, tdvpx, table, data } = placesOf(td);
    one(0, "TDH.MNG.CREATE", tdr, 32 + td);
    for (const lp of [0, 1]) one(lp, "TDH.MNG.KEY.CONFIG", tdr);
    moves.push({
      name: `add TDCX of ${td}`,
      run(m) {
        let status = "";
        for (let i = 0; i < TDCX; i++) status = call(m, 0, "TDH.MNG.ADDCX", tdcx(i), tdr);
        return status;
      },
    });
    one(0, "TDH.MNG.INIT", tdr, PARAMS);
    for (let vcpu = 0; vcpu < scope.vcpus; vcpu++) {
      one(0, "TDH.VP.CREATE", tdvpr(vcpu), tdr);
      moves.push({
        name: `add TDVPX of ${td} ${vcpu}`,
        run(m) {
          let status = "";
          for (let i = 0; i < TDVPX; i++) {
            status = call(m, 0, "TDH.VP.ADDCX", tdvpx(vcpu, i), tdvpr(vcpu));
          }
          return status;
        },
      });
      one(vcpu % 2, "TDH.VP.INIT", tdvpr(vcpu), 0);
      one(vcpu % 2, "TDH.VP.ENTER", tdvpr(vcpu));
      one(vcpu % 2, "TDH.VP.FLUSH", tdvpr(vcpu));
    }
    for (const level of [3, 2, 1]) one(0, "TDH.MEM.SEPT.ADD", level, tdr, table(level));
    for (let page = 0; page < scope.dataPages; page++) {
      const gpa = page * PAGE;
      one(0, "TDH.MEM.PAGE.ADD", gpa, tdr, data(page), SOURCE);
      one(0, "TDH.MEM.PAGE.AUG", gpa, tdr, data(page));
      one(0, "TDH.MEM.RANGE.BLOCK", gpa, tdr);
      one(0, "TDH.MEM.RANGE.UNBLOCK", gpa, tdr);
      one(0, "TDH.MEM.PAGE.REMOVE", gpa, tdr);
      one(0, "TDH.PHYMEM.PAGE.RECLAIM", data(page));
    }
    moves.push({ name: `0 TDH.MEM.TRACK ${td}`, run: (m) => track(m, tdr) });
    one(0, "TDH.MR.FINALIZE", tdr);
    one(0, "TDH.MNG.VPFLUSHDONE", tdr);
    one(0, "TDH.MNG.KEY.FREEID", tdr);
    moves.push({
      name: `reclaim control pages of ${td}`,
      run: (m) => reclaimControl(m, td, scope),
    });
    one(0, "TDH.PHYMEM.PAGE.RECLAIM", tdr);
  }
  for (const lp of [0, 1]) {
    one(lp, "TDH.PHYMEM.CACHE.WB", 0);
    moves.push({ name: `exit ${lp}`, run: (m) => exit(m, lp) });
    moves.push({ name: `accept ${lp}`, run: (m) => accept(m, lp) });
  }
  return moves;
}

/** Epochs count up without end: so far and no further. */
function track(m: TdxModule, tdr: number): string {
  const epoch = m.tds.get(tdr / PAGE)?.tdcs.tdEpoch ?? 0;
  return epoch >= EPOCHS ? "no further" : call(m, 0, "TDH.MEM.TRACK", tdr);
}

function reclaimControl(m: TdxModule, td: number, scope: Scope): string {
  const { tdcx, tdvpr, tdvpx, table } = placesOf(td);
  const pages = [1, 2, 3].map(table);
  for (let vcpu = 0; vcpu < scope.vcpus; vcpu++) {
    for (let i = 0; i < TDVPX; i++) pages.push(tdvpx(vcpu, i));
    pages.push(tdvpr(vcpu));
  }
  for (let i = 0; i < TDCX; i++) pages.push(tdcx(i));
  let status = "";
  for (const page of pages) status = call(m, 0, "TDH.PHYMEM.PAGE.RECLAIM", page);
  return status;
}

function exit(m: TdxModule, lp: number): string {
  if (m.guests[lp] === null) return "nobody there";
  vpExit(m, lp);
  return "left";
}

function accept(m: TdxModule, lp: number): string {
  if (m.guests[lp] === null) return "nobody there";
  const r = new Registers();
  r.setNumber(RCX, 0);
  return tdAccept(m, lp, r, 1)?.text ?? "TD exit";
}

function keyOf(m: TdxModule): string {
  // The contents of pages are the same in all states, and long.
  const bare = Object.create(m, { hostMemory: { value: { toJSON: () => [] } } }) as TdxModule;
  return createHash("sha256")
    .update(JSON.stringify(moduleToJSON(bare)))
    .digest("base64");
}

function blank(): TdxModule {
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

/** Visits states in the order of their distance from the blank platform, judging each. */
export function search(scope: Scope): SearchResult {
  const moves = movesOf(scope);
  const numbers = new Map<string, number>();
  const from: number[][] = [[]];
  const isFreeOfTds: boolean[] = [true];
  const queue: (TdxModule | undefined)[] = [blank()];
  const paths: string[] = [""];
  const pairs = new Set<string>();
  numbers.set(keyOf(queue[0] as TdxModule), 0);
  let transitions = 0;
  let at = 0;
  for (; at < queue.length && queue.length < scope.states; at++) {
    const m = queue[at] as TdxModule;
    queue[at] = undefined;
    const here = keyOf(m);
    let next = cloneModule(m);
    for (const { name, run } of moves) {
      const status = run(next);
      pairs.add(`${name.split(" ")[1]} ${status}`);
      transitions++;
      const key = keyOf(next);
      // Most calls fail and change nothing: the same copy serves the next.
      if (key === here) continue;
      let number = numbers.get(key);
      if (number === undefined) {
        number = queue.length;
        const broken = checkInvariants(next);
        const path = `${paths[at]}\n${name} -> ${status}`;
        if (broken.length > 0) throw new Error(`${broken.join("; ")} after${path}`);
        numbers.set(key, number);
        queue.push(next);
        paths.push(path);
        from.push([]);
        isFreeOfTds.push(next.tds.size === 0);
      }
      (from[number] as number[]).push(at);
      next = cloneModule(m);
    }
  }
  const isExhaustive = at === queue.length;
  const deadEnds = isExhaustive ? queue.length - reachBack(from, isFreeOfTds) : 0;
  return { states: queue.length, transitions, isExhaustive, deadEnds, pairs };
}

/** How many states a state without TDs can be reached from. */
function reachBack(from: readonly (readonly number[])[], isGoal: readonly boolean[]): number {
  const seen = new Set<number>(isGoal.flatMap((goal, number) => (goal ? [number] : [])));
  const queue = [...seen];
  for (let number = queue.pop(); number !== undefined; number = queue.pop()) {
    for (const before of from[number] ?? []) {
      if (seen.has(before)) continue;
      seen.add(before);
      queue.push(before);
    }
  }
  return seen.size;
}
