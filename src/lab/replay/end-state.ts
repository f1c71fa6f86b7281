import { KOT_STATES, type KotEntry } from "../../module/key-ownership.ts";
import type { PamtSize } from "../../module/locks.ts";
import type { TdxModule } from "../../module/module.ts";
import { PAGE_BYTES, PT_NDA, PT_RSVD } from "../../module/page-types.ts";
import { PAGES_PER_SIZE } from "../../module/pamt.ts";
import type { Difference } from "./mismatch.ts";
import type { FinalPage, FinalState } from "./sequence.ts";

const SIZES: readonly PamtSize[] = [0, 1, 2];
const SIZE_NAMES = ["4K", "2M", "1G"] as const;

/** What of the module's state contradicts the recorded end state; only what that names counts. */
export function differingEndState(m: TdxModule, final: FinalState): Difference[] {
  const differences: Difference[] = [];
  const notFree = pamtNotFree(m);
  if (final.pamtNotFree !== null && final.pamtNotFree !== notFree) {
    differences.push({
      field: "final.pamtNotFree",
      expected: String(final.pamtNotFree),
      actual: String(notFree),
    });
  }
  if (final.pages !== null) differences.push(...differingPages(m, final.pages, notFree));
  for (const { hkid, state, wbinvdBitmap } of final.hkids) {
    const entry = m.kot[hkid - m.platform.hkids.first] as KotEntry;
    const field = `final.hkids.${hkid}`;
    const actual = KOT_STATES[entry.state] as string;
    if (actual !== state) differences.push({ field: `${field}.state`, expected: state, actual });
    if (entry.wbinvdBitmap !== wbinvdBitmap) {
      differences.push({
        field: `${field}.wbinvdBitmap`,
        expected: String(wbinvdBitmap),
        actual: String(entry.wbinvdBitmap),
      });
    }
  }
  return differences;
}

function isInUse(m: TdxModule, index: number, size: PamtSize): boolean {
  const type = m.pamt.type(index, size);
  return type !== PT_NDA && type !== PT_RSVD;
}

function pamtNotFree(m: TdxModule): number {
  let entries = 0;
  for (const size of SIZES) {
    for (const { start, length } of m.pamt.tables[size].runs()) {
      if (isInUse(m, start, size)) entries += length;
    }
  }
  return entries;
}

/** Both lists hold every entry in use once, in any order. */
function differingPages(m: TdxModule, pages: readonly FinalPage[], notFree: number): Difference[] {
  const differences: Difference[] = [];
  let found = 0;
  for (const page of pages) {
    const size = page.size as PamtSize;
    const index = page.pa / PAGE_BYTES / PAGES_PER_SIZE[size];
    const isThere = isInUse(m, index, size);
    if (isThere) found++;
    const actual = isThere ? describe(actualPage(m, index, size)) : "free";
    const expected = describe(page);
    if (actual !== expected) differences.push({ field: pageField(page), expected, actual });
  }
  if (found === notFree) return differences;
  return [...differences, ...unlistedPages(m, pages)];
}

function unlistedPages(m: TdxModule, pages: readonly FinalPage[]): Difference[] {
  const listed = new Set(pages.map(pageField));
  const differences: Difference[] = [];
  for (const size of SIZES) {
    for (const { start, length } of m.pamt.tables[size].runs()) {
      if (!isInUse(m, start, size)) continue;
      for (let index = start; index < start + length; index++) {
        const page = actualPage(m, index, size);
        const field = pageField(page);
        if (listed.has(field)) continue;
        differences.push({ field, expected: "free", actual: describe(page) });
      }
    }
  }
  return differences;
}

function actualPage(m: TdxModule, index: number, size: PamtSize): FinalPage {
  return {
    pa: index * PAGES_PER_SIZE[size] * PAGE_BYTES,
    pt: m.pamt.type(index, size),
    owner: m.pamt.owner(index, size) * PAGE_BYTES,
    size,
  };
}

function pageField({ pa, size }: FinalPage): string {
  return `final.pages[0x${pa.toString(16)}/${SIZE_NAMES[size as PamtSize]}]`;
}

function describe({ pt, owner }: FinalPage): string {
  return `pt ${pt} owner 0x${owner.toString(16)}`;
}
