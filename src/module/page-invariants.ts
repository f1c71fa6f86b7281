import type { PamtSize } from "./locks.ts";
import type { TdxModule } from "./module.ts";
import type { PageRuns, StepOfTag } from "./page-runs.ts";
import { PT_EPT, PT_NDA, PT_REG, PT_RSVD, PT_TDCX, PT_TDR, PT_TDVPR } from "./page-types.ts";
import { PAGES_PER_SIZE, type Pamt } from "./pamt.ts";
import { TD_TEARDOWN, type Td } from "./tdr.ts";

/** Takes a broken invariant down: its id in the reliability notes (I-1 to I-8) and what is wrong. */
export type Report = (id: string, what: string) => void;

/** 4 KiB pages that the PAMT says a TD owns, by page type. */
export interface OwnedPages {
  reg: number;
  ept: number;
  tdcx: number;
  tdvpr: number;
}

interface Entries {
  readonly type: number;
  readonly owner: number;
  readonly index: number;
  readonly count: number;
  readonly size: PamtSize;
}

const SIZES = [0, 1, 2] as const;

export function pageName(page: number): string {
  return `0x${(page * 4096).toString(16)}`;
}

/** Runs are maximal and counted: two that touch differ in state or do not continue each other. */
export function checkRuns(runs: PageRuns, stepOf: StepOfTag, name: string, report: Report): void {
  let count = 0;
  let end = -1;
  let tag = 0;
  let base = 0;
  for (const run of runs.runs()) {
    const continues = run.start === end && run.tag === tag && run.base === base;
    if (continues || run.length <= 0) report("runs", `${name} has a split run at ${run.start}`);
    count++;
    end = run.start + run.length;
    tag = run.tag;
    base = run.base + run.length * stepOf(run.tag);
  }
  if (count !== runs.runCount) report("runs", `${name} counts ${runs.runCount} runs, has ${count}`);
}

/** I-1 to I-3 and I-8 as far as the PAMT tells; returns what each TD owns, by TDR page. */
export function checkPages(m: TdxModule, report: Report): Map<number, OwnedPages> {
  const owned = new Map<number, OwnedPages>();
  for (const td of m.tds.values()) owned.set(td.page, { reg: 0, ept: 0, tdcx: 0, tdvpr: 0 });
  let reserved = 0;
  let tdrs = 0;
  for (const size of SIZES) {
    checkRuns(m.pamt.tables[size], () => 0, `PAMT of size ${size}`, report);
    for (const entries of entriesOf(m.pamt, size)) {
      checkPlace(m.pamt, entries, report);
      if (entries.type === PT_RSVD) reserved += entries.count;
      else if (entries.type === PT_TDR) tdrs += entries.count;
      else if (entries.type !== PT_NDA) countOwned(owned, entries, report);
    }
  }
  if (reserved !== reservedPages(m)) report("I-1", `${reserved} pages are reserved`);
  if (tdrs !== m.tds.size) report("I-8", `${tdrs} TDR pages for ${m.tds.size} TDs`);
  for (const td of m.tds.values()) checkTdPages(m, td, owned.get(td.page) as OwnedPages, report);
  return owned;
}

function* entriesOf(pamt: Pamt, size: PamtSize): Generator<Entries> {
  for (const { start, length } of pamt.tables[size].runs()) {
    const [type, owner] = [pamt.type(start, size), pamt.owner(start, size)];
    yield { type, owner, index: start, count: length, size };
  }
}

/** Inside the TDMRs; large entries are PT_REG or free, and nothing is in use below PT_REG. */
function checkPlace(pamt: Pamt, { type, index, count, size }: Entries, report: Report): void {
  const first = index * PAGES_PER_SIZE[size];
  const end = first + count * PAGES_PER_SIZE[size];
  let at = first;
  while (pamt.isInTdmr(at)) at = pamt.tdmrEnd(at);
  if (at < end) report("I-1", `${pageName(at)} has a PAMT entry and is in no TDMR`);
  if (size === 0 || type === PT_NDA) return;
  if (type !== PT_REG) report("I-1", `${pageName(first)} of size ${size} has type ${type}`);
  for (const below of SIZES.slice(0, size)) {
    const from = first / PAGES_PER_SIZE[below];
    const most = end / PAGES_PER_SIZE[below] - from;
    const free = pamt.freeLength(from, most, below);
    if (free < most) report("I-2", `a page in use lies below the large page at ${pageName(first)}`);
  }
}

function countOwned(
  owned: ReadonlyMap<number, OwnedPages>,
  { type, owner, index, count, size }: Entries,
  report: Report,
): void {
  const pages = owned.get(owner);
  if (pages === undefined) {
    report(
      "I-8",
      `${pageName(index * PAGES_PER_SIZE[size])} belongs to ${pageName(owner)}, no TDR`,
    );
  } else if (type === PT_REG) pages.reg += count * PAGES_PER_SIZE[size];
  else if (type === PT_EPT) pages.ept += count;
  else if (type === PT_TDCX) pages.tdcx += count;
  else if (type === PT_TDVPR) pages.tdvpr += count;
  else report("I-1", `${pageName(index)} has the unknown type ${type}`);
}

function reservedPages(m: TdxModule): number {
  let bytes = 0;
  for (const { reserved = [] } of m.platform.tdmrs) for (const hole of reserved) bytes += hole.size;
  return bytes / 4096;
}

function checkTdPages(m: TdxModule, td: Td, owned: OwnedPages, report: Report): void {
  const name = `TD ${pageName(td.page)}`;
  if (m.pamt.type(td.page) !== PT_TDR) report("I-8", `${name} has no PT_TDR page`);
  const { reg, ept, tdcx, tdvpr } = owned;
  if (td.chldcnt !== reg + ept + tdcx + tdvpr) {
    report("I-3", `${name} has CHLDCNT ${td.chldcnt} and owns ${reg + ept + tdcx + tdvpr}`);
  }
  const vcpus = [...m.vcpus.values()].filter((vcpu) => vcpu.td === td);
  if (vcpus.length !== tdvpr) report("I-2", `${name} owns ${tdvpr} TDVPRs of ${vcpus.length}`);
  for (const { page } of vcpus) checkControlPage(m, td, page, PT_TDVPR, report);
  // Reclaiming does not touch what the structures say about their pages.
  if (td.lifecycle === TD_TEARDOWN) return;
  const tdcxPages = [...td.tdcxPages, ...vcpus.flatMap(({ pages }) => pages.slice(1))];
  for (const page of tdcxPages) checkControlPage(m, td, page, PT_TDCX, report);
  if (new Set(tdcxPages).size !== tdcx) {
    report("I-2", `${name} owns ${tdcx} TDCX pages and has ${tdcxPages.length} in use`);
  }
}

function checkControlPage(m: TdxModule, td: Td, page: number, type: number, report: Report): void {
  if (m.pamt.type(page) === type && m.pamt.owner(page) === td.page) return;
  report("I-2", `${pageName(page)} is a control page of TD ${pageName(td.page)} and not so marked`);
}
