import { describe, expect, it } from "vitest";
import { vpExit } from "../../src/module/guest.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { cloneModule, moduleFromJSON, moduleToJSON } from "../../src/module/snapshot.ts";
import {
  ALL_ONES,
  type Stage,
  TD_PARAMS_ADDRESS,
  TestHost,
  TestTd,
  testPlatform,
} from "../support/module.ts";
import { block } from "../support/teardown.ts";

/** A module in the middle of everything: a running vCPU, L2 tables, an interrupted write-back. */
function busyHost(): { host: TestHost; td: TestTd } {
  const host = new TestHost();
  block(new TestTd(host));
  host.call("TDH.PHYMEM.CACHE.WB", {}, { quietTests: 1 });
  const td = new TestTd(host, { numL2Vms: 1 });
  td.addTables(0);
  for (const gpa of [0, 4096, 8192]) td.aug(gpa);
  td.aug(2 ** 21, 1);
  const tables = { r8: host.page(), r9: host.page(), r10: ALL_ONES, r11: ALL_ONES };
  td.mustSept("TDH.MEM.SEPT.ADD", 2 ** 39 + 3, tables, { version: 1 });
  td.mustSept("TDH.MEM.RANGE.BLOCK", 4096);
  const tdvpr = td.tdvpr[0] as number;
  host.must("TDH.VP.WR", { rcx: tdvpr, rdx: 0x203c, r8: 0x5000, r9: ALL_ONES });
  td.enter();
  return { host, td };
}

const COPIES: readonly (readonly [string, (m: TdxModule) => TdxModule])[] = [
  [
    "restored from JSON",
    (m) => moduleFromJSON(m.platform, JSON.parse(JSON.stringify(moduleToJSON(m)))),
  ],
  ["cloned", cloneModule],
];

describe.each(COPIES)("a module %s", (_how, copyOf) => {
  it("is in the same state", () => {
    const { module } = busyHost().host;
    const copy = copyOf(module);
    expect(moduleToJSON(copy)).toEqual(moduleToJSON(module));
    expect(checkInvariants(copy)).toEqual([]);
  });

  it.each<Stage>(["CREATED", "KEYS_CONFIGURED", "ADDCX_DONE"])(
    "keeps a TD that is %s, without Secure EPT and TD_PARAMS",
    (stage) => {
      const { host, state } = new TestTd(new TestHost(), { stage });
      const copy = copyOf(host.module);
      expect(copy.tds.get(state.page)).toEqual(state);
    },
  );

  it("keeps the TD_PARAMS of an initialised TD", () => {
    const { host, state } = new TestTd(new TestHost());
    expect(copyOf(host.module).tds.get(state.page)?.tdcs).toEqual(state.tdcs);
  });

  it("keeps the locks of its running vCPUs", () => {
    const { host, td } = busyHost();
    const copied = new TestHost();
    Object.assign(copied, { module: copyOf(host.module) });
    const flushDone = () => copied.call("TDH.MNG.VPFLUSHDONE", { rcx: td.tdr }).status;
    expect(flushDone()).toBe("TDX_OPERAND_BUSY|RCX");
    vpExit(copied.module, 0);
    expect(flushDone()).toBe("TDX_FLUSHVP_NOT_DONE");
  });

  it("goes on where caches were written back", () => {
    const copied = new TestHost();
    Object.assign(copied, { module: copyOf(busyHost().host.module) });
    expect(copied.call("TDH.PHYMEM.CACHE.WB", { rcx: 1 }).status).toBe("TDX_SUCCESS");
  });

  it("shares nothing with the first", () => {
    const { host, td } = busyHost();
    const before = JSON.stringify(moduleToJSON(host.module));
    const copied = new TestHost();
    Object.assign(copied, { module: copyOf(host.module) });
    vpExit(copied.module, 0);
    copied.must("TDH.MEM.TRACK", { rcx: td.tdr });
    copied.must("TDH.MEM.PAGE.REMOVE", { rcx: 4096, rdx: td.tdr });
    copied.must("TDH.PHYMEM.CACHE.WB", { rcx: 1 });
    copied.must("TDH.VP.WR", { rcx: td.tdvpr[0] as number, rdx: 2, r8: 1, r9: 0xffff });
    copied.module.hostMemory.forget(TD_PARAMS_ADDRESS);
    expect(JSON.stringify(moduleToJSON(host.module))).toBe(before);
  });
});

it("a snapshot is plain JSON", () => {
  const snapshot = moduleToJSON(busyHost().host.module);
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
});

it("an empty module is restored with its reserved pages", () => {
  const reserved = [{ offset: 4096, size: 8192 }];
  const platform = testPlatform({ tdmrs: [{ base: 2 ** 32, size: 2 ** 30, reserved }] });
  const { module } = new TestHost(platform);
  const copy = moduleFromJSON(platform, moduleToJSON(module));
  expect(copy.pamt.type(2 ** 20 + 1)).toBe(1);
  expect(copy.pamt.type(2 ** 20 + 3)).toBe(0);
});
