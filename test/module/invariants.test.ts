import { describe, expect, it } from "vitest";
import { checkInvariants } from "../../src/module/invariants.ts";
import { HKID_ASSIGNED, HKID_FREE } from "../../src/module/key-ownership.ts";
import { UNINITIALIZED } from "../../src/module/tdcs.ts";
import { TD_BLOCKED, TD_HKID_ASSIGNED, TD_TEARDOWN } from "../../src/module/tdr.ts";
import { lived, type Parts, partsOf } from "../support/lived-td.ts";
import { type Stage, TestHost, TestTd } from "../support/module.ts";
import { block, freeHkid, tearDown } from "../support/teardown.ts";

describe("the invariants hold", () => {
  it.each<Stage>(["CREATED", "KEYS_CONFIGURED", "ADDCX_DONE", "INITIALIZED", "RUNNABLE"])(
    "of a TD that is %s",
    (stage) => {
      const { host } = new TestTd(new TestHost(), { stage });
      expect(checkInvariants(host.module)).toEqual([]);
    },
  );

  it("of a TD with pages of every kind and a vCPU in the guest", () => {
    expect(checkInvariants(lived().host.module)).toEqual([]);
  });

  it.each<[string, (td: TestTd) => unknown]>([
    ["TD_BLOCKED", block],
    ["TD_TEARDOWN", freeHkid],
  ])("of a TD in %s beside one that lives", (_lifecycle, end) => {
    const host = new TestHost();
    const ending = new TestTd(host);
    new TestTd(host).enter();
    end(ending);
    expect(checkInvariants(host.module)).toEqual([]);
  });

  it("of a write-back that was interrupted", () => {
    const host = new TestHost();
    block(new TestTd(host));
    host.call("TDH.PHYMEM.CACHE.WB", {}, { quietTests: 1 });
    expect(checkInvariants(host.module)).toEqual([]);
  });

  it("of a vCPU that runs while the epoch after its own has begun, not two later", () => {
    const td = lived();
    td.host.must("TDH.MEM.TRACK", { rcx: td.tdr });
    expect(checkInvariants(td.host.module)).toEqual([]);
    td.state.tdcs.tdEpoch++;
    expect(checkInvariants(td.host.module)).toEqual(["I-12: vCPU 0x100008000 is in epoch 1 still"]);
  });

  it("after a teardown, with every page free and no lock held (I-13)", () => {
    const td = new TestTd(new TestHost());
    td.addTables(0);
    td.aug(0);
    tearDown(td);
    const { module } = td.host;
    expect(checkInvariants(module)).toEqual([]);
    expect(module.tds.size + module.vcpus.size + module.runningVcpus).toBe(0);
    const inUse = [...module.pamt.tables[0].runs()].filter(
      ({ start }) => module.pamt.type(start) !== 0,
    );
    expect(inUse).toEqual([]);
  });
});

const TD = "TD 0x100000000";
const RUNNING = "vCPU 0x100008000";
const IDLE = "vCPU 0x100011000";

/** The KOT entry of the TD's HKID, of a free one and of the module's own. */
const [USED, SPARE, GLOBAL] = [0, 1, 3];

function setKey({ m }: Parts, index: number, entry: object): void {
  Object.assign(m.kot[index] ?? {}, entry);
}

function setWriteBack({ m }: Parts, writeBack: object): void {
  Object.assign(m.cacheWriteBacks[1] ?? {}, writeBack);
}

/** Rules about keys and TDs, what breaks each, and all that is said about it then. */
const BROKEN: readonly (readonly [string, (parts: Parts) => unknown, readonly string[]])[] = [
  [
    "the HKID of a TD is ASSIGNED",
    (all) => setKey(all, USED, { state: HKID_FREE }),
    ["I-4: HKID 32 is in state 0"],
  ],
  [
    "the HKID of nobody is FREE",
    (all) => setKey(all, SPARE, { state: HKID_ASSIGNED }),
    ["I-4: HKID 33 is in state 1"],
  ],
  [
    "the module's HKID is RESERVED",
    (all) => setKey(all, GLOBAL, { state: HKID_FREE }),
    ["I-4: HKID 35 is in state 0"],
  ],
  [
    "caches hold a FLUSHED HKID only",
    (all) => setKey(all, USED, { wbinvdBitmap: 2 }),
    ["I-4: HKID 32 is in caches and not FLUSHED"],
  ],
  [
    "caches are of packages that are there",
    (all) => setKey(all, USED, { wbinvdBitmap: 4 }),
    [
      "I-4: HKID 32 is in the caches of packages that are not there",
      "I-4: HKID 32 is in caches and not FLUSHED",
    ],
  ],
  [
    "an interrupted write-back has HKIDs",
    (all) => setWriteBack(all, { doneBlocks: 2 }),
    ["I-4: 2 blocks are written back"],
  ],
  [
    "a write-back that is done has none",
    (all) => setWriteBack(all, { doneBlocks: 4, hkids: [32] }),
    ["I-4: 4 blocks are written back"],
  ],
  [
    "nor one that has not begun",
    (all) => setWriteBack(all, { hkids: [32] }),
    ["I-4: 0 blocks are written back"],
  ],
  [
    "keys are configured on every package",
    ({ td }) => {
      td.pkgConfigBitmap = 1;
    },
    [`I-6: ${TD} has no keys`],
  ],
  [
    "and on no other",
    ({ td }) => {
      td.pkgConfigBitmap = 7;
    },
    [`I-6: ${TD} has no keys`, `I-6: ${TD} has keys on no package`],
  ],
  [
    "an initialised TD has a Secure EPT",
    ({ td }) => {
      td.sept = null;
    },
    [`I-6: ${TD} in OP_STATE 2 has the wrong Secure EPTs`],
  ],
  [
    "it has one for each L2 VM",
    ({ td }) => {
      td.tdcs.numL2Vms = 0;
    },
    [`I-6: ${TD} in OP_STATE 2 has the wrong Secure EPTs`],
  ],
  [
    "it has six TDCX pages and one for each L2 VM",
    ({ td }) => td.tdcxPages.pop(),
    [
      `I-2: ${TD} owns 23 TDCX pages and has 22 in use`,
      `I-6: ${TD} is initialised with 6 TDCX pages`,
    ],
  ],
  [
    "a TD that is not initialised has neither tree nor epoch",
    ({ td }) => {
      td.tdcs.opState = UNINITIALIZED;
    },
    [`I-6: ${TD} in OP_STATE 0 has the wrong Secure EPTs`, `I-12: ${TD} is in epoch 1`],
  ],
  [
    "keys come after the HKID, TDCX pages and vCPUs after the keys",
    ({ td }) => {
      td.lifecycle = TD_HKID_ASSIGNED;
    },
    [
      `I-6: ${TD} has its keys already`,
      `I-6: ${TD} has TDCX pages before its keys`,
      `I-5: ${RUNNING} is associated too early or late`,
      `I-5: ${IDLE} is associated too early or late`,
    ],
  ],
  [
    "the HKID of a TD_BLOCKED is FLUSHED, and no vCPU associated",
    ({ td }) => {
      td.lifecycle = TD_BLOCKED;
    },
    [
      "I-4: HKID 32 is in state 1",
      `I-5: ${RUNNING} is associated too early or late`,
      `I-5: ${IDLE} is associated too early or late`,
    ],
  ],
  [
    "that of a TD_TEARDOWN is no longer its own",
    ({ td }) => {
      td.lifecycle = TD_TEARDOWN;
    },
    [
      "I-4: HKID 32 is in state 1",
      `I-5: ${RUNNING} is associated too early or late`,
      `I-5: ${IDLE} is associated too early or late`,
    ],
  ],
];

describe("it is checked that", () => {
  it.each(BROKEN)("%s", (_rule, breakIt, violations) => {
    const tested = lived();
    breakIt(partsOf(tested));
    expect(checkInvariants(tested.host.module)).toEqual(violations);
  });

  it("an HKID belongs to one TD", () => {
    const { host, state } = lived();
    const other = new TestTd(host, { stage: "KEYS_CONFIGURED" }).state;
    host.module.tds.set(other.page, { ...other, hkid: state.hkid });
    expect(checkInvariants(host.module)).toEqual([
      "I-4: HKID 32 belongs to two TDs",
      "I-4: HKID 33 is in state 1",
    ]);
  });
});
