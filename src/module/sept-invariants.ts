import type { PamtSize } from "./locks.ts";
import type { TdxModule } from "./module.ts";
import { checkRuns, type OwnedPages, pageName, type Report } from "./page-invariants.ts";
import type { PageRun, PageRuns } from "./page-runs.ts";
import { PT_EPT, PT_REG } from "./page-types.ts";
import { PAGES_PER_SIZE } from "./pamt.ts";
import { type L2SecureEpt, PAGES_PER_ENTRY, type SecureEpt } from "./secure-ept.ts";
import {
  BLOCKED_STATES,
  isIn,
  L2_NL_BLOCKED,
  LEAF_STATES,
  NL_BLOCKED,
  NL_MAPPED,
} from "./sept-states.ts";
import { TD_TEARDOWN, type Td } from "./tdr.ts";

const STATE_MASK = 15;
const STATE_BITS = 4;
const ENTRIES_PER_TABLE = 512;

/** Host pages that a tree refers to. */
interface Interval {
  readonly page: number;
  readonly pages: number;
}

/**
 * I-2 and I-7 for the Secure EPTs of one TD: every leaf maps a PT_REG page and every other entry
 * points to a PT_EPT page, both of this TD and each one once; nothing stands below a missing table.
 * In TD_TEARDOWN the trees are left behind as they were.
 */
export function checkSepts(m: TdxModule, td: Td, owned: OwnedPages, report: Report): void {
  const { sept } = td;
  if (sept === null || td.lifecycle === TD_TEARDOWN) return;
  const name = `Secure EPT of ${pageName(td.page)}`;
  const leaves: Interval[] = [];
  const tables: Interval[] = [];
  for (const [level, runs] of sept.levels.entries()) {
    const leafStep = PAGES_PER_ENTRY[level] as number;
    const stepOf = (tag: number) => (isIn(LEAF_STATES, tag & STATE_MASK) ? leafStep : 1);
    checkRuns(runs, stepOf, `${name} level ${level}`, report);
    for (const run of runs.runs()) {
      const isLeaf = isIn(LEAF_STATES, run.tag & STATE_MASK);
      if (isLeaf) leaves.push({ page: run.base, pages: run.length * leafStep });
      else tables.push({ page: run.base, pages: run.length });
      checkMappedPages(m, td, level, run, report);
      checkTablesAbove(sept.levels, sept.pwl, level, run, isTableTag, name, report);
    }
  }
  for (const l2 of td.l2Septs) checkL2Sept(m, td, sept, l2, tables, report);
  checkAliases(td, sept, report);
  checkDisjoint(leaves, owned.reg, `${name}: mapped pages`, report);
  checkDisjoint(tables, owned.ept, `${name}: tables`, report);
}

function isTableTag(tag: number): boolean {
  return (tag & STATE_MASK) === NL_MAPPED || (tag & STATE_MASK) === NL_BLOCKED;
}

/** The PAMT entries of what a run of entries maps or points to. */
function checkMappedPages(m: TdxModule, td: Td, level: number, run: PageRun, report: Report): void {
  const state = run.tag & STATE_MASK;
  const isLeaf = isIn(LEAF_STATES, state);
  const size = (isLeaf ? level : 0) as PamtSize;
  let index = run.base / PAGES_PER_SIZE[size];
  const end = index + run.length;
  while (index < end) {
    const type = m.pamt.type(index, size);
    const isOwned = m.pamt.owner(index, size) === td.page;
    if (type !== (isLeaf ? PT_REG : PT_EPT) || !isOwned) {
      const page = pageName(index * PAGES_PER_SIZE[size]);
      report("I-7", `${page} is in the Secure EPT of ${pageName(td.page)}, its type is ${type}`);
      return;
    }
    const bepoch = m.pamt.bepoch(index, size);
    if (bepoch > td.tdcs.tdEpoch || (isIn(BLOCKED_STATES, state) && bepoch === 0)) {
      report("I-12", `${pageName(index * PAGES_PER_SIZE[size])} was blocked in epoch ${bepoch}`);
    }
    index += m.pamt.uniformLength(index, end - index, size);
  }
}

function checkTablesAbove(
  levels: readonly PageRuns[],
  pwl: number,
  level: number,
  run: PageRun,
  isTable: (tag: number) => boolean,
  name: string,
  report: Report,
): void {
  const above = levels[level + 1];
  if (level > pwl) report("I-7", `${name} has entries of level ${level}`);
  if (level >= pwl || above === undefined) return;
  let table = Math.floor(run.start / ENTRIES_PER_TABLE);
  const last = Math.floor((run.start + run.length - 1) / ENTRIES_PER_TABLE);
  while (table <= last) {
    if (!isTable(above.seek(table))) {
      report("I-7", `${name} has no table for the entries of level ${level} at ${run.start}`);
      return;
    }
    table = above.runEnd;
  }
}

/** Every entry of an L2 tree is the counterpart of an L1 entry with its alias flag (ABI 3.7). */
function checkL2Sept(
  m: TdxModule,
  td: Td,
  sept: SecureEpt,
  l2: L2SecureEpt,
  tables: Interval[],
  report: Report,
): void {
  const name = `L2 Secure EPT ${l2.vm} of ${pageName(td.page)}`;
  for (const [level, runs] of l2.levels.entries()) {
    checkRuns(runs, () => 1, `${name} level ${level}`, report);
    for (const run of runs.runs()) {
      tables.push({ page: run.base, pages: run.length });
      checkTablesAbove(l2.levels, l2.pwl, level, run, (tag) => tag !== 0, name, report);
      for (let i = 0; i < run.length; i++) {
        const tag = (sept.levels[level] as PageRuns).seek(run.start + i);
        const isAliased = ((tag >> (STATE_BITS + l2.vm - 1)) & 1) === 1;
        const isBlocked = (tag & STATE_MASK) === NL_BLOCKED;
        if (!isAliased || isBlocked !== (run.tag === L2_NL_BLOCKED)) {
          report("I-7", `${name} has an entry of level ${level} at ${run.start + i} of its own`);
        }
        const page = run.base + i;
        if (m.pamt.type(page) === PT_EPT && m.pamt.owner(page) === td.page) continue;
        report("I-7", `${pageName(page)} is in the ${name} and is not PT_EPT`);
      }
    }
  }
}

/** There are as many alias flags as L2 entries; each L2 entry has one, see above. */
function checkAliases(td: Td, sept: SecureEpt, report: Report): void {
  const flags = [0, 0, 0, 0];
  for (const runs of sept.levels) {
    for (const run of runs.runs()) {
      for (let vm = 1; vm <= 3; vm++) {
        if (((run.tag >> (STATE_BITS + vm - 1)) & 1) === 1) (flags[vm] as number) += run.length;
      }
    }
  }
  for (let vm = 1; vm <= 3; vm++) {
    let entries = 0;
    for (const runs of td.l2Septs[vm - 1]?.levels ?? []) {
      for (const run of runs.runs()) entries += run.length;
    }
    if (entries !== flags[vm]) {
      report(
        "I-7",
        `TD ${pageName(td.page)}: ${flags[vm]} alias flags of VM ${vm}, ${entries} tables`,
      );
    }
  }
}

/** I-2: no page has two parents, and as many are referred to as the PAMT counts. */
function checkDisjoint(list: Interval[], owned: number, name: string, report: Report): void {
  list.sort((a, b) => a.page - b.page);
  let end = 0;
  let pages = 0;
  for (const interval of list) {
    if (interval.page < end) report("I-2", `${name}: ${pageName(interval.page)} has two parents`);
    end = interval.page + interval.pages;
    pages += interval.pages;
  }
  if (pages !== owned) report("I-2", `${name}: ${pages} in the tree, ${owned} in the PAMT`);
}
