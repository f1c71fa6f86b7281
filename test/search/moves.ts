import { vpExit } from "../../src/module/guest.ts";
import { tdAccept } from "../../src/module/guest-accept.ts";
import { effectsOfFailure } from "../../src/module/leaf-statuses.ts";
import { EMULATED } from "../../src/module/leaf-table.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { typeOf } from "../../src/module/page-types.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import {
  controlPagesOf,
  FIRST_HKID,
  GUEST_LPS,
  HOST_LPS,
  PAGE,
  PARAMS,
  placesOf,
  type Scope,
  SOURCE,
  TDCX,
  TDVPX,
} from "./places.ts";

const NUMBERS = new Map(EMULATED.map(({ name, number }) => [name, number]));
const REGISTERS = [RCX, RDX, R8, R9] as const;
const [HOST = 0] = HOST_LPS;
const START = 0;
const RESUME = 1;
const NEVER = 1e9;

export interface Move {
  /** What is done, without saying to which of several alike. */
  readonly name: string;
  /** The TD that it is done to, if to one. */
  readonly td: number | null;
  /** Where the LPs and pages are such that it can be done. */
  readonly isPossible: (m: TdxModule) => boolean;
  /** Statuses of the calls made. */
  readonly run: (m: TdxModule) => readonly string[];
}

const registers = new Registers();

function call(m: TdxModule, lp: number, leaf: string, operands: readonly number[], quiet = NEVER) {
  const r = registers;
  r.setNumber(RAX, NUMBERS.get(leaf) as number);
  for (const [i, register] of REGISTERS.entries()) r.setNumber(register, operands[i] ?? 0);
  return m.seamcall(lp, r, 1, { quietTests: quiet, pconfig: "OK", hasEntropy: true }).text;
}

/** Whether a call that answered so may have changed the state (I-9). */
export function mayChange(leaf: string, status: string): boolean {
  return status === "TDX_SUCCESS" || effectsOfFailure(leaf, status).length > 0;
}

/** Every SEAMCALL that a host might make on these few things, sensible or not. */
export function movesOf(scope: Scope): Move[] {
  const tds = Array.from({ length: scope.tds }, (_, td) => movesOn(td, scope)).flat();
  const always = (): boolean => true;
  const global = HOST_LPS.flatMap((lp): Move[] => {
    const name = "TDH.PHYMEM.CACHE.WB";
    const write = (rcx: number, quiet: number): Move => ({
      name,
      td: null,
      isPossible: always,
      run: (m) => [call(m, lp, name, [rcx], quiet)],
    });
    return [write(START, NEVER), write(START, 0), write(RESUME, NEVER)];
  });
  const guests = GUEST_LPS.flatMap((lp): Move[] => {
    const isPossible = (m: TdxModule): boolean => m.guests[lp] !== null;
    const accepts = Array.from({ length: scope.dataPages }, (_, page) => ({
      name: "TDG.MEM.PAGE.ACCEPT",
      td: null,
      isPossible,
      run: (m: TdxModule) => [accept(m, lp, page * PAGE)],
    }));
    return [...accepts, { name: "exit", td: null, isPossible, run: (m) => [exit(m, lp)] }];
  });
  return [...tds, ...global, ...guests];
}

function movesOn(td: number, scope: Scope): Move[] {
  const { tdr, tdvpr, table, data } = placesOf(td);
  const moves: Move[] = [];
  const one = (lp: number, name: string, ...operands: number[]): void => {
    const isPossible = (m: TdxModule): boolean => m.guests[lp] === null;
    moves.push({ name, td, isPossible, run: (m) => [call(m, lp, name, operands)] });
  };
  if (!scope.isBuiltAtOnce) moves.push(...buildInSteps(td, scope, GUEST_LPS));
  else for (const lp of GUEST_LPS) moves.push(buildAtOnce(td, scope, lp));
  for (let vcpu = 0; vcpu < scope.vcpus; vcpu++) {
    for (const lp of GUEST_LPS) {
      one(lp, "TDH.VP.ENTER", tdvpr(vcpu));
      one(lp, "TDH.VP.FLUSH", tdvpr(vcpu));
    }
  }
  for (let page = 0; page < scope.dataPages; page++) {
    const gpa = page * PAGE;
    one(HOST, "TDH.MEM.PAGE.ADD", gpa, tdr, data(page), SOURCE);
    one(HOST, "TDH.MEM.PAGE.AUG", gpa, tdr, data(page));
    for (const leaf of ["RANGE.BLOCK", "RANGE.UNBLOCK", "PAGE.REMOVE"]) {
      one(HOST, `TDH.MEM.${leaf}`, gpa, tdr);
    }
    one(HOST, "TDH.PHYMEM.PAGE.RECLAIM", data(page));
  }
  one(HOST, "TDH.MEM.SEPT.ADD", 1, tdr, table(1));
  for (const leaf of ["RANGE.BLOCK", "RANGE.UNBLOCK", "SEPT.REMOVE"]) {
    one(HOST, `TDH.MEM.${leaf}`, 1, tdr);
  }
  one(HOST, "TDH.MEM.TRACK", tdr);
  one(HOST, "TDH.MR.FINALIZE", tdr);
  one(HOST, "TDH.MNG.VPFLUSHDONE", tdr);
  one(HOST, "TDH.MNG.KEY.FREEID", tdr);
  const control = controlPagesOf(td, scope);
  moves.push(several("TDH.PHYMEM.PAGE.RECLAIM", td, (page) => [page], control));
  one(HOST, "TDH.PHYMEM.PAGE.RECLAIM", tdr);
  for (let other = 0; other < scope.tds; other++) {
    if (other !== td) moves.push(...trespassesOf(td, other));
  }
  return moves;
}

/** The same leaf on several pages, one after the other. */
function several(
  name: string,
  td: number,
  operands: (page: number) => readonly number[],
  pages: readonly number[],
): Move {
  const run = (m: TdxModule) => pages.map((page) => call(m, HOST, name, operands(page)));
  return { name, td, isPossible: () => true, run };
}

/** @param lps where VP.INIT may be called */
function buildInSteps(td: number, scope: Scope, lps: readonly number[]): Move[] {
  const { tdr, tdcx, tdvpr, tdvpx, table } = placesOf(td);
  const one = (lp: number, name: string, ...operands: number[]): Move => ({
    name,
    td,
    isPossible: (m) => m.guests[lp] === null,
    run: (m) => [call(m, lp, name, operands)],
  });
  const tdcxPages = Array.from({ length: TDCX }, (_, i) => tdcx(i));
  const moves = [
    one(HOST, "TDH.MNG.CREATE", tdr, FIRST_HKID + td),
    ...HOST_LPS.map((lp) => one(lp, "TDH.MNG.KEY.CONFIG", tdr)),
    several("TDH.MNG.ADDCX", td, (page) => [page, tdr], tdcxPages),
    one(HOST, "TDH.MNG.INIT", tdr, PARAMS),
    ...[3, 2].map((level) => one(HOST, "TDH.MEM.SEPT.ADD", level, tdr, table(level))),
  ];
  for (let vcpu = 0; vcpu < scope.vcpus; vcpu++) {
    const tdvpxPages = Array.from({ length: TDVPX }, (_, i) => tdvpx(vcpu, i));
    moves.push(one(HOST, "TDH.VP.CREATE", tdvpr(vcpu), tdr));
    moves.push(several("TDH.VP.ADDCX", td, (page) => [page, tdvpr(vcpu)], tdvpxPages));
    for (const lp of lps) moves.push(one(lp, "TDH.VP.INIT", tdvpr(vcpu), 0));
  }
  return moves;
}

/** The steps above in one move, made only where there is no such TD; the vCPUs start on `lp`. */
function buildAtOnce(td: number, scope: Scope, lp: number): Move {
  const steps = buildInSteps(td, scope, [lp]);
  const { tdr } = placesOf(td);
  const isPossible = (m: TdxModule) => m.guests[lp] === null && !m.tds.has(tdr / PAGE);
  return { name: "build", td, isPossible, run: (m) => steps.flatMap((step) => step.run(m)) };
}

/** What belongs to another TD is asked for: tried only where it is in use, so that all must fail. */
function trespassesOf(td: number, other: number): Move[] {
  const { tdr, table } = placesOf(td);
  const theirs = placesOf(other);
  const inUse =
    (page: number) =>
    (m: TdxModule): boolean =>
      typeOf(m.pamt.type(page / PAGE)) !== 0;
  const attempt = (name: string, page: number, operands: readonly number[]): Move => ({
    name,
    td,
    isPossible: inUse(page),
    run: (m) => [call(m, HOST, name, operands)],
  });
  const isHkidTaken = (m: TdxModule): boolean => m.kot[other]?.state !== 0;
  return [
    attempt("TDH.MEM.PAGE.AUG", theirs.data(0), [0, tdr, theirs.data(0)]),
    attempt("TDH.MEM.SEPT.ADD", theirs.table(1), [1, tdr, theirs.table(1)]),
    attempt("TDH.MNG.CREATE", theirs.table(1), [theirs.table(1), FIRST_HKID + td]),
    {
      name: "TDH.MNG.CREATE",
      td,
      isPossible: isHkidTaken,
      run: (m) => [call(m, HOST, "TDH.MNG.CREATE", [table(1), FIRST_HKID + other])],
    },
  ];
}

function exit(m: TdxModule, lp: number): string {
  vpExit(m, lp);
  return "left";
}

function accept(m: TdxModule, lp: number, gpa: number): string {
  const r = new Registers();
  r.setNumber(RCX, gpa);
  return tdAccept(m, lp, r, 1)?.text ?? "TD exit";
}
