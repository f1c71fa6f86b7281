import { NO_LP } from "../../src/module/tdvps.ts";
import type { Answer, TestHost, TestTd } from "./module.ts";

const PAGE_BYTES = 4096;
const START = 0;

/** VP.FLUSH of every vCPU that is associated, on its LP. */
export function flushVcpus({ host, tdvpr }: TestTd): void {
  for (const rcx of tdvpr) {
    const lp = host.module.vcpus.get(rcx / PAGE_BYTES)?.assocLp ?? NO_LP;
    if (lp !== NO_LP) host.must("TDH.VP.FLUSH", { rcx }, { lp });
  }
}

/** Up to MNG.VPFLUSHDONE: the TD is in TD_BLOCKED, its HKID FLUSHED. */
export function block(td: TestTd): void {
  flushVcpus(td);
  td.host.must("TDH.MNG.VPFLUSHDONE", { rcx: td.tdr });
}

/** PHYMEM.CACHE.WB on the first LP of every package; LP numbers are those of testPlatform. */
export function writeBackCaches(host: TestHost): void {
  for (let lp = 0; lp < host.module.packages; lp++) {
    host.must("TDH.PHYMEM.CACHE.WB", { rcx: START }, { lp });
  }
}

/** Up to MNG.KEY.FREEID: the TD is in TD_TEARDOWN, its HKID FREE. */
export function freeHkid(td: TestTd): void {
  block(td);
  writeBackCaches(td.host);
  td.host.must("TDH.MNG.KEY.FREEID", { rcx: td.tdr });
}

export function reclaim(host: TestHost, page: number): Answer {
  return host.call("TDH.PHYMEM.PAGE.RECLAIM", { rcx: page });
}

/** The whole teardown (ABI 8): every page of the TD is reclaimed, the TDR last. */
export function tearDown(td: TestTd): void {
  freeHkid(td);
  const { pamt } = td.host.module;
  for (const size of [0, 1] as const) {
    for (const run of [...pamt.tables[size].runs()]) {
      if (pamt.type(run.start, size) === 0) continue;
      for (let index = run.start; index < run.start + run.length; index++) {
        if (pamt.owner(index, size) !== td.tdr / PAGE_BYTES) continue;
        reclaim(td.host, index * PAGE_BYTES * 512 ** size);
      }
    }
  }
  td.host.must("TDH.PHYMEM.PAGE.RECLAIM", { rcx: td.tdr });
}
