import { describe, expect, it } from "vitest";
import { MAPPED_BITS, TestHost, TestTd } from "../support/module.ts";

const BLOCK = "TDH.MEM.RANGE.BLOCK";
const GPA = 0x4000_0000;
const MIB_2 = 2 ** 21;

/** A TD with 4 KiB tables at GPA, 2 MiB ones after it, and its vCPU in the guest. */
function running() {
  const td = new TestTd(new TestHost());
  td.addTables(GPA);
  td.enter();
  return { td, host: td.host };
}

/** RDX of the TD exit: level asked for, level, state and leaf bit of the entry met. */
function extended(asked: number, met: number, state: number, isLeaf: boolean): bigint {
  return BigInt(asked + met * 8 + state * 64 + (isLeaf ? 1 << 14 : 0)) * 2n ** 32n + 1n;
}

describe("TDG.MEM.PAGE.ACCEPT", () => {
  it("maps a pending page", () => {
    const { td, host } = running();
    const page = td.aug(GPA);
    expect(host.accept(GPA).status).toBe("TDX_SUCCESS");
    expect(td.entry(GPA)).toEqual({ rcx: BigInt(page) + MAPPED_BITS, rdx: 0x400n });
  });

  it("maps a pending 2 MiB page", () => {
    const { td, host } = running();
    const gpa = GPA + MIB_2;
    const page = td.aug(gpa, 1);
    expect(host.accept(gpa + 1).status).toBe("TDX_SUCCESS");
    expect(td.entry(gpa + 1)).toEqual({ rcx: BigInt(page) + MAPPED_BITS, rdx: 0x401n });
  });

  it("zeroes the page", () => {
    const { td, host } = running();
    const page = td.aug(GPA);
    const { hostMemory } = host.module;
    hostMemory.write(page, new Uint8Array(1024).fill(7));
    host.accept(GPA);
    expect(hostMemory.read(page)).toEqual(new Uint8Array(1024));
  });

  it("zeroes a 2 MiB page whole, and no more", () => {
    const { td, host } = running();
    const page = td.aug(GPA + MIB_2, 1);
    const { hostMemory } = host.module;
    const ones = new Uint8Array(1024).fill(7);
    const last = page + MIB_2 - 1024;
    for (const at of [page - 1024, page, last, page + MIB_2]) hostMemory.write(at, ones);
    host.accept(GPA + MIB_2 + 1);
    expect([...hostMemory.blocks()].map(([block]) => block * 1024).slice(1)).toEqual([
      page - 1024,
      page + MIB_2,
    ]);
  });

  it("changes neither PAMT nor CHLDCNT", () => {
    const { td, host } = running();
    td.aug(GPA);
    const before = [td.state.chldcnt, JSON.stringify(host.module.pamt)];
    host.accept(GPA);
    expect([td.state.chldcnt, JSON.stringify(host.module.pamt)]).toEqual(before);
  });

  it.each([
    ["a reserved bit", GPA + 0x10],
    ["level 2", GPA + 2],
    ["a GPA misaligned for its level", GPA + 0x1001],
    ["the shared bit", 2 ** 47 + GPA],
  ])("refuses %s", (_what, pageInfo) => {
    expect(running().host.accept(pageInfo).status).toBe("TDX_OPERAND_INVALID|RCX");
  });

  it("says so where the page is accepted already, without the error bit", () => {
    const { td, host } = running();
    td.aug(GPA);
    host.accept(GPA);
    expect(host.accept(GPA)).toMatchObject({
      status: "TDX_PAGE_ALREADY_ACCEPTED|LEVEL_0",
      rax: 0x0000_0b0a_0000_0000n,
    });
  });

  it("says so for 4 KiB of an accepted 2 MiB page, naming the level found", () => {
    const { td, host } = running();
    const gpa = GPA + MIB_2;
    td.aug(gpa, 1);
    host.accept(gpa + 1);
    expect(host.accept(gpa + 4096).rax).toBe(0x0000_0b0a_0000_0001n);
  });

  it("finds a size mismatch where 2 MiB are mapped by 4 KiB pages, or their table is blocked", () => {
    const { td, host } = running();
    expect(host.accept(GPA + 1)).toMatchObject({
      status: "TDX_PAGE_SIZE_MISMATCH|LEVEL_1",
      rax: 0xc000_0b0b_0000_0001n,
    });
    td.mustSept(BLOCK, GPA + 1);
    expect(host.accept(GPA + 1).status).toBe("TDX_PAGE_SIZE_MISMATCH|LEVEL_1");
  });

  it("exits to the host where the page is missing", () => {
    const { host } = running();
    expect(host.accept(GPA + 4096)).toMatchObject({
      status: "TD_EXIT",
      rax: 48n,
      rcx: 2n,
      rdx: extended(0, 0, 0, false),
      r8: BigInt(GPA + 4096),
      r9: 0n,
    });
  });

  it("exits where a table is missing, naming the level of the entry that stopped it", () => {
    expect(running().host.accept(2 ** 40 + 1).rdx).toBe(extended(1, 3, 0, false));
  });

  it("exits for 4 KiB of a pending 2 MiB page", () => {
    const { td, host } = running();
    td.aug(GPA + MIB_2, 1);
    expect(host.accept(GPA + MIB_2).rdx).toBe(extended(0, 1, 2, true));
  });

  it("exits on a blocked page", () => {
    const { td, host } = running();
    td.aug(GPA);
    td.mustSept(BLOCK, GPA);
    expect(host.accept(GPA).rdx).toBe(extended(0, 0, 3, true));
  });

  it("exits below a blocked table", () => {
    const { td, host } = running();
    td.mustSept(BLOCK, GPA + 1);
    expect(host.accept(GPA).rdx).toBe(extended(0, 1, 0x81, false));
  });

  it("leaves the vCPU outside, ready and associated after an exit", () => {
    const { td, host } = running();
    host.accept(GPA);
    expect(td.state.tdcs).toMatchObject({ refcount: [0, 0], numAssocVcpus: 1 });
    expect(host.call("TDH.VP.ENTER", { rcx: td.tdvpr[0] as number }).status).toBe("TDX_SUCCESS");
  });
});
