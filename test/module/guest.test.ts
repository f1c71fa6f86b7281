import { describe, expect, it } from "vitest";
import { vpExit } from "../../src/module/guest.ts";
import { TestHost, TestTd } from "../support/module.ts";

const GPA = 0x4000_0000;

/** A TD with one page mapped at GPA. */
function mapped(): TestTd {
  const td = new TestTd(new TestHost());
  td.addTables(GPA);
  td.aug(GPA);
  return td;
}

function track({ host, tdr }: TestTd): string {
  return host.call("TDH.MEM.TRACK", { rcx: tdr }).status;
}

function remove(td: TestTd): string {
  return td.sept("TDH.MEM.PAGE.REMOVE", GPA).status;
}

describe("TD exit", () => {
  it("makes the vCPU READY and keeps its association", () => {
    const td = mapped();
    td.enter();
    expect(vpExit(td.host.module, 0)?.state).toBe(2);
    expect(td.state.tdcs.numAssocVcpus).toBe(1);
    expect(td.host.module.runningVcpus).toBe(0);
  });

  it("of one vCPU leaves what another holds", () => {
    const td = new TestTd(new TestHost(), { vcpus: 2 });
    td.host.must("TDH.VP.FLUSH", { rcx: td.tdvpr[1] as number });
    td.enter(0, 0);
    td.enter(1, 1);
    vpExit(td.host.module, 0);
    expect(td.host.call("TDH.MNG.VPFLUSHDONE", { rcx: td.tdr }).status).toBe(
      "TDX_OPERAND_BUSY|RCX",
    );
  });

  it("of an LP that is not in the guest is nothing", () => {
    expect(vpExit(mapped().host.module, 1)).toBeNull();
  });
});

// The timeline at the end of ABI 12.
describe("TLB tracking", () => {
  it("goes as the worked timeline of the ABI says", () => {
    const td = mapped();
    const { tdcs } = td.state;
    td.enter();
    expect(tdcs).toMatchObject({ tdEpoch: 1, refcount: [0, 1] });
    td.mustSept("TDH.MEM.RANGE.BLOCK", GPA);
    expect(remove(td)).toBe("TDX_TLB_TRACKING_NOT_DONE|RCX");
    expect(track(td)).toBe("TDX_SUCCESS");
    expect(tdcs.tdEpoch).toBe(2);
    expect(remove(td)).toBe("TDX_TLB_TRACKING_NOT_DONE|RCX");
    expect(track(td)).toBe("TDX_PREVIOUS_TLB_EPOCH_BUSY");
    vpExit(td.host.module, 0);
    expect(tdcs.refcount).toEqual([0, 0]);
    expect(remove(td)).toBe("TDX_SUCCESS");
  });

  it("lets a page go though its vCPU came back in the new epoch", () => {
    const td = mapped();
    td.enter();
    td.mustSept("TDH.MEM.RANGE.BLOCK", GPA);
    track(td);
    vpExit(td.host.module, 0);
    td.enter();
    expect(td.state.tdcs.refcount).toEqual([1, 0]);
    expect(remove(td)).toBe("TDX_SUCCESS");
  });
});
