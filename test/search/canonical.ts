import type { TdxModule } from "../../src/module/module.ts";
import { SEPT_STATES, STATE_MASK } from "../../src/module/sept-states.ts";
import { TD_BLOCKED, type Td } from "../../src/module/tdr.ts";
import { VCPU_ACTIVE } from "../../src/module/tdvps.ts";
import { controlPagesOf, FIRST_HKID, PAGE, placesOf, type Scope } from "./places.ts";

const PACKAGE_ORDERS = [
  [0, 1],
  [1, 0],
] as const;
type PackageOrder = (typeof PACKAGE_ORDERS)[number];

/**
 * Text that two states have in common when they differ only in what no move can tell:
 * - which of the TDs, HKIDs, vCPUs, pages of data or packages (each with its LPs) is which;
 * - the epoch's number. What counts is how many epochs ago (0, 1 or longer) an entry was blocked
 *   and a vCPU in the guest entered; of entries not blocked and vCPUs outside not even that;
 * - what freed pages remember: their last owner, their contents;
 * - what a TD without its HKID had: only its pages are asked for from then on.
 * That nothing else gets lost is tested: states with the same text must answer alike.
 */
export function canonicalText(m: TdxModule, scope: Scope): string {
  const texts = PACKAGE_ORDERS.map((order) => {
    const tds = Array.from({ length: scope.tds }, (_, td) => tdText(m, td, scope, order));
    const done = order.map((at) => m.cacheWriteBacks[at]?.doneBlocks);
    return `${tds.sort().join("/")} ${done}`;
  });
  return (texts[0] as string) < (texts[1] as string) ? (texts[0] as string) : (texts[1] as string);
}

function permuted(bits: number, order: PackageOrder): number {
  return ((bits >> order[0]) & 1) | (((bits >> order[1]) & 1) << 1);
}

function tdText(m: TdxModule, number: number, scope: Scope, order: PackageOrder): string {
  const { tdr } = placesOf(number);
  const td = m.tds.get(tdr / PAGE);
  const key = m.kot[number];
  const writtenBack = order.map((at) =>
    Number(m.cacheWriteBacks[at]?.hkids.includes(FIRST_HKID + number)),
  );
  const keyText = `${key?.state}${permuted(key?.wbinvdBitmap ?? 0, order)}${writtenBack.join("")}`;
  const types = controlPagesOf(number, scope).map((page) => m.pamt.type(page / PAGE));
  const pages = Array.from({ length: scope.dataPages }, (_, page) => pageText(m, number, td, page));
  if (td === undefined) return `${keyText} ${types.join("")} ${pages.sort()}`;
  if (td.lifecycle >= TD_BLOCKED) {
    return `${keyText} ${td.lifecycle} ${td.chldcnt} ${types.join("")} ${pages.sort()}`;
  }
  const vcpus = Array.from({ length: scope.vcpus }, (_, i) => vcpuText(m, number, i, order));
  const { opState, numVcpus, numAssocVcpus, refcount, tdEpoch } = td.tdcs;
  const parity = (tdEpoch & 1) as 0 | 1;
  const fields = [
    td.lifecycle,
    Number(td.isFatal),
    td.tdcxPages.length,
    td.chldcnt,
    permuted(td.pkgConfigBitmap, order),
    opState,
    numVcpus,
    numAssocVcpus,
    refcount[parity],
    refcount[parity === 0 ? 1 : 0],
    [3, 2, 1].map((level) => entryText(m, td, level, 0)).join(""),
  ];
  return `${keyText} ${fields} ${types.join("")} ${pages.sort()} ${vcpus.sort()}`;
}

/** State of a Secure EPT entry, and how many epochs ago it was blocked. */
function entryText(m: TdxModule, td: Td, level: number, index: number): string {
  const runs = td.sept?.levels[level];
  const state = runs?.seek(index) ?? 0;
  const isBlocked = SEPT_STATES[state & STATE_MASK]?.includes("BLOCKED") === true;
  if (runs === undefined || !isBlocked) return `${state}.`;
  const bepoch = m.pamt.bepoch(runs.baseAt(index));
  return `${state}.${Math.min(td.tdcs.tdEpoch - bepoch, 2)}`;
}

function pageText(m: TdxModule, number: number, td: Td | undefined, page: number): string {
  const type = m.pamt.type(placesOf(number).data(page) / PAGE);
  const isGone = td === undefined || td.lifecycle >= TD_BLOCKED;
  return isGone ? `${type}` : `${type}${entryText(m, td, 0, page)}`;
}

function vcpuText(m: TdxModule, number: number, index: number, order: PackageOrder): string {
  const vcpu = m.vcpus.get(placesOf(number).tdvpr(index) / PAGE);
  if (vcpu === undefined) return "-";
  const { state, assocLp, pages, vcpuEpoch, td } = vcpu;
  const lp = assocLp < 0 ? "-" : order[assocLp as 0 | 1];
  const age = state === VCPU_ACTIVE ? td.tdcs.tdEpoch - vcpuEpoch : "";
  return `${state}${lp}${pages.length}${age}`;
}
