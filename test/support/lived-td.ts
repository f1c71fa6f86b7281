import type { TdxModule } from "../../src/module/module.ts";
import type { L2SecureEpt, SecureEpt } from "../../src/module/secure-ept.ts";
import type { Td } from "../../src/module/tdr.ts";
import type { Vcpu } from "../../src/module/tdvps.ts";
import { ALL_ONES, TestHost, TestTd } from "./module.ts";

/** A 4 KiB page that nothing uses, inside the TDMR, and one that is no TDR. */
export const SPARE = 2 ** 20 + 5000;
export const NOBODY = 0x123;

/** A TD with 4 KiB and 2 MiB pages, an L2 table, one vCPU in the guest and one idle. */
export function lived(): TestTd {
  const td = new TestTd(new TestHost(), { vcpus: 2, numL2Vms: 1 });
  td.addTables(0);
  for (const gpa of [0, 4096, 8192]) td.aug(gpa);
  td.aug(2 ** 21, 1);
  const tables = { r8: td.host.page(), r9: td.host.page(), r10: ALL_ONES, r11: ALL_ONES };
  td.mustSept("TDH.MEM.SEPT.ADD", 2 ** 39 + 3, tables, { version: 1 });
  td.enter();
  td.mustSept("TDH.MEM.RANGE.BLOCK", 4096);
  return td;
}

/** What a test breaks of {@link lived}. */
export interface Parts {
  readonly m: TdxModule;
  readonly td: Td;
  readonly sept: SecureEpt;
  readonly l2: L2SecureEpt;
  readonly running: Vcpu;
  readonly idle: Vcpu;
}

export function partsOf({ host, state }: TestTd): Parts {
  const m = host.module;
  const running = m.guests[0] as Vcpu;
  const idle = [...m.vcpus.values()].find((vcpu) => vcpu !== running) as Vcpu;
  return {
    m,
    td: state,
    sept: state.sept as SecureEpt,
    l2: state.l2Septs[0] as L2SecureEpt,
    running,
    idle,
  };
}

/** Host page that the entry of `level` for a guest page maps or points to. */
export function pageAt(sept: SecureEpt, gpaPage: number, level: number): number {
  sept.walk(gpaPage, level);
  return sept.page;
}
