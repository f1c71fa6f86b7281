import type { TdxModule } from "./module.ts";
import type { PageRuns } from "./page-runs.ts";
import { PAGE_BYTES, PT_EPT, PT_TDCX, PT_TDR } from "./page-types.ts";
import type { L2SecureEpt } from "./secure-ept.ts";
import { L2_FREE } from "./sept-states.ts";
import { TD_PARAMS_BYTES } from "./td-params.ts";
import { SEPT_ROOT_TDCX, TDCS_PAGES_MIN } from "./tdcs.ts";
import type { Td } from "./tdr.ts";

const ENTRIES_PER_TABLE = 512;
const MSR_BITMAPS_TDCX = 2;
const FREE_ENTRY = 0x80e0_0000_0000_0000n;
const L2_NL_MAPPED_ENTRY = 0x407n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/**
 * The 1024 bytes at `address` (1 KiB aligned, no HKID bits) as TDH.MNG.INIT reads TD_PARAMS there:
 * what the host wrote, or what the module put into a page in use. There is no encryption, so a page
 * reads the same through any HKID (ABI 7 TDH.MNG.INIT and TDH.MNG.ADDCX). Pages of control fields
 * read 0, except that a TDR shows NUM_TDCX and CHLDCNT where ATTRIBUTES and XFAM are expected.
 */
export function contentsAt(m: TdxModule, address: number): Uint8Array {
  const page = Math.floor(address / PAGE_BYTES);
  const offset = address - page * PAGE_BYTES;
  if (!m.pamt.isInTdmr(page)) return m.hostMemory.read(address);
  switch (m.pamt.type(page)) {
    case PT_TDR:
      return offset === 0 ? tdrContents(m.tds.get(page) as Td) : qwords(0n);
    case PT_TDCX:
      return tdcxContents(m, m.tds.get(m.pamt.owner(page)) as Td, address);
    case PT_EPT:
      return septContents(m.tds.get(m.pamt.owner(page)) as Td, page, offset / 8);
    default:
      return m.hostMemory.read(address);
  }
}

/**
 * Before a page of the module's own is freed: freeing rewrites its PAMT type only (ABI 3.3), so
 * what stood in it can be read there afterwards. Kept only where BEPOCH of freed pages is too.
 */
export function leaveContents(m: TdxModule, page: number): void {
  if (m.platform.keepsFreedBepoch !== true) return;
  for (let offset = 0; offset < PAGE_BYTES; offset += TD_PARAMS_BYTES) {
    const address = page * PAGE_BYTES + offset;
    const bytes = contentsAt(m, address);
    if (bytes.some((byte) => byte !== 0)) m.hostMemory.write(address, bytes);
  }
}

/** A page of ones, as TDH.VP.ADDCX makes the MSR bitmaps of L2 VMs. */
export function fillWithOnes(m: TdxModule, page: number): void {
  for (let offset = 0; offset < PAGE_BYTES; offset += TD_PARAMS_BYTES) {
    m.hostMemory.write(page * PAGE_BYTES + offset, qwords(ALL_ONES));
  }
}

function qwords(value: bigint): Uint8Array {
  const bytes = new BigUint64Array(TD_PARAMS_BYTES / 8).fill(value);
  return new Uint8Array(bytes.buffer);
}

function tdrContents(td: Td): Uint8Array {
  const bytes = qwords(0n);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, td.tdcxPages.length, true);
  view.setBigUint64(8, BigInt(td.chldcnt), true);
  return bytes;
}

function tdcxContents(m: TdxModule, td: Td, address: number): Uint8Array {
  const page = Math.floor(address / PAGE_BYTES);
  const index = td.tdcxPages.indexOf(page);
  if (index < 0) return m.hostMemory.read(address);
  if (index === MSR_BITMAPS_TDCX) return qwords(ALL_ONES);
  if (index === SEPT_ROOT_TDCX) return qwords(FREE_ENTRY);
  const l2 = td.l2Septs[index - TDCS_PAGES_MIN];
  return l2 === undefined ? qwords(0n) : l2Contents(l2, l2.pwl, (address - page * PAGE_BYTES) / 8);
}

/**
 * Any L1 entry, free or not, has ATTRIBUTES bits that no TD may have, so free ones can stand for
 * all. A free L2 entry is 0 and one in use has such bits.
 */
function septContents(td: Td, page: number, firstEntry: number): Uint8Array {
  for (const l2 of td.l2Septs) {
    for (let level = 1; level <= l2.pwl; level++) {
      for (const run of (l2.levels[level] as PageRuns).runs()) {
        if (page < run.base || page >= run.base + run.length) continue;
        const table = run.start + (page - run.base);
        return l2Contents(l2, level - 1, table * ENTRIES_PER_TABLE + firstEntry);
      }
    }
  }
  return qwords(FREE_ENTRY);
}

function l2Contents(l2: L2SecureEpt, level: number, firstEntry: number): Uint8Array {
  const isFree = (l2.levels[level] as PageRuns).seek(firstEntry) === L2_FREE;
  return qwords(isFree ? 0n : L2_NL_MAPPED_ENTRY);
}
