import { describe, expect, test } from "vitest";
import { replay } from "../../../src/lab/replay/replay.ts";
import { call, createStep, ndjson, platformVector, sequenceVector } from "../../support/vectors.ts";

const WBINVD_STEP = call("TDH.PHYMEM.PAGE.WBINVD", 41, { rcx: "0x40001000" });

function replayOne(steps: readonly object[], changes: object = {}) {
  return replay(ndjson(sequenceVector(steps, changes)));
}

describe("a step that differs", () => {
  test("is named with sequence, step, leaf, register and both statuses", async () => {
    const step = createStep({ out: { rax: "0x8000020000000001" } });
    const { mismatches, sequencesWithMismatch, first } = await replayOne([WBINVD_STEP, step]);
    expect(mismatches).toBe(1);
    expect(sequencesWithMismatch).toBe(1);
    expect(first).toEqual([
      {
        sequence: "seq-test",
        step: 1,
        leaf: "TDH.MNG.CREATE",
        field: "rax",
        expected: "0x8000020000000001",
        actual: "0x0",
        expectedStatus: "TDX_OPERAND_BUSY|RCX",
        actualStatus: "TDX_SUCCESS",
      },
    ]);
  });

  test("is one mismatch for every register that differs", async () => {
    const step = call("TDH.PHYMEM.PAGE.RDMD", 24, { rcx: "0x40000000" });
    const out = { rax: "0x0", rcx: "0x4", rdx: "0x1000", r8: "0x0" };
    const { mismatches, first } = await replayOne([{ ...step, out }]);
    expect(mismatches).toBe(2);
    expect(first.map(({ field }) => field)).toEqual(["rcx", "rdx"]);
  });

  test("ends its sequence, not the replay", async () => {
    const wrong = createStep({ out: { rax: "0x1" } });
    const source = ndjson(
      sequenceVector([wrong, WBINVD_STEP, WBINVD_STEP]),
      sequenceVector([WBINVD_STEP], { id: "next" }),
    );
    const { sequences, steps, seamcalls, mismatches } = await replay(source);
    expect({ sequences, steps, seamcalls, mismatches }).toEqual({
      sequences: 2,
      steps: 2,
      seamcalls: 2,
      mismatches: 1,
    });
  });

  test("is found by a status that contradicts RAX", async () => {
    const { first } = await replayOne([createStep({ status: "TDX_HKID_NOT_FREE" })]);
    expect(first[0]).toMatchObject({
      field: "status",
      expected: "TDX_HKID_NOT_FREE",
      actual: "TDX_SUCCESS",
    });
  });

  test("tells apart values above 2^53", async () => {
    const register = { rcx: "0x8000000000000001" };
    const step = call("TDH.MNG.KEY.RECLAIMID", 27, register);
    const out = { rax: "0x0", rcx: "0x8000000000000000" };
    const { first } = await replayOne([{ ...step, out }]);
    expect(first[0]).toMatchObject({
      field: "rcx",
      expected: "0x8000000000000000",
      actual: "0x8000000000000001",
    });
  });
});

describe("what is not recorded is not compared", () => {
  test("registers absent from out", async () => {
    const rdmd = call("TDH.PHYMEM.PAGE.RDMD", 24, { rcx: "0x40000000" });
    expect((await replayOne([rdmd])).mismatches).toBe(0);
  });

  test("unknown keys", async () => {
    const step = createStep({ comment: "free text", out: { rax: "0x0", xmm0: "0x1" } });
    expect((await replayOne([step], { author: "me" })).mismatches).toBe(0);
  });

  test("HKIDs that final does not name", async () => {
    const final = { hkids: { 33: { state: "FREE", wbinvdBitmap: 0 } } };
    expect((await replayOne([createStep()], { final })).mismatches).toBe(0);
  });

  test("an end state given as null", async () => {
    expect((await replayOne([createStep()], { final: null })).mismatches).toBe(0);
    const final = { pamtNotFree: 1, pages: null, hkids: {} };
    expect((await replayOne([createStep()], { final })).mismatches).toBe(0);
  });
});

describe("the end state", () => {
  const tdr = { pa: "0x40000000", pt: 4, owner: "0x0", size: 0 };

  test("agrees where every entry in use is listed", async () => {
    const final = { pamtNotFree: 1, pages: [tdr], hkids: {} };
    expect((await replayOne([createStep()], { final })).mismatches).toBe(0);
  });

  test("differs in the number of entries in use", async () => {
    const { first } = await replayOne([createStep()], { final: { pamtNotFree: 2 } });
    expect(first).toEqual([
      {
        sequence: "seq-test",
        step: null,
        leaf: null,
        field: "final.pamtNotFree",
        expected: "2",
        actual: "1",
        expectedStatus: null,
        actualStatus: null,
      },
    ]);
  });

  test("differs where a listed entry is of another type, free or not listed", async () => {
    const other = { ...tdr, pa: "0x40001000" };
    const pages = [{ ...tdr, pt: 5 }, other];
    const listed = await replayOne([createStep()], { final: { pages } });
    expect(listed.first.map(({ field, expected, actual }) => [field, expected, actual])).toEqual([
      ["final.pages[0x40000000/4K]", "pt 5 owner 0x0", "pt 4 owner 0x0"],
      ["final.pages[0x40001000/4K]", "pt 4 owner 0x0", "free"],
    ]);
    const unlisted = await replayOne([createStep()], { final: { pages: [] } });
    expect(unlisted.first[0]).toMatchObject({ expected: "free", actual: "pt 4 owner 0x0" });
  });

  test("differs in state and write-back bitmap of an HKID", async () => {
    const final = { hkids: { 32: { state: "FLUSHED", wbinvdBitmap: 3 } } };
    const { first } = await replayOne([createStep()], { final });
    expect(first.map(({ field, expected, actual }) => [field, expected, actual])).toEqual([
      ["final.hkids.32.state", "FLUSHED", "ASSIGNED"],
      ["final.hkids.32.wbinvdBitmap", "3", "0"],
    ]);
  });

  test("knows reserved areas as neither free nor in use", async () => {
    const tdmrs = [
      {
        base: "0x40000000",
        size: "0x40000000",
        reserved: [{ offset: "0x200000", size: "0x1000" }],
      },
    ];
    const changes = { platform: platformVector({ tdmrs }), final: { pamtNotFree: 0, pages: [] } };
    expect((await replayOne([WBINVD_STEP], changes)).mismatches).toBe(0);
  });
});

describe("a result", () => {
  const wrong = createStep({ out: { rax: "0x1" } });
  const many = ndjson(...Array.from({ length: 25 }, () => sequenceVector([wrong])));

  test("lists the first twenty mismatches and counts them all", async () => {
    const { mismatches, first } = await replay(many);
    expect(mismatches).toBe(25);
    expect(first).toHaveLength(20);
  });

  test("lists every mismatch when asked to", async () => {
    expect((await replay(many, { all: true })).first).toHaveLength(25);
  });

  test("counts the pairs of leaf and status that the emulator answered", async () => {
    const busy = { rax: "0xc000082000000000" };
    const again = call(
      "TDH.MNG.CREATE",
      9,
      { rcx: "0x40001000", rdx: "0x20" },
      { out: busy, status: "TDX_HKID_NOT_FREE" },
    );
    const { schema, pairs } = await replayOne([WBINVD_STEP, createStep(), again, again]);
    expect(schema).toBe("tdx-sim/replay/v1");
    expect(pairs).toEqual({
      "TDH.MNG.CREATE": { TDX_HKID_NOT_FREE: 2, TDX_SUCCESS: 1 },
      "TDH.PHYMEM.PAGE.WBINVD": { TDX_SUCCESS: 1 },
    });
  });

  test("tells the observer of every step with the module as it is after it", async () => {
    const seen: unknown[] = [];
    const source = ndjson(sequenceVector([WBINVD_STEP, createStep()]));
    await replay(source, {
      observer: ({ index, leaf, status, module }) => {
        seen.push([index, leaf, status, module.tds.size]);
      },
    });
    expect(seen).toEqual([
      [0, "TDH.PHYMEM.PAGE.WBINVD", "TDX_SUCCESS", 0],
      [1, "TDH.MNG.CREATE", "TDX_SUCCESS", 1],
    ]);
  });
});

describe("a leaf that exists but is not emulated", () => {
  test("is a mismatch that says so by name", async () => {
    const { first } = await replayOne([call("TDH.SERVTD.BIND", 48, { rcx: "0x40000000" })]);
    expect(first).toHaveLength(1);
    expect(first[0]).toMatchObject({
      leaf: "TDH.SERVTD.BIND",
      field: "emulation",
      expected: "TDX_SUCCESS",
      actual: "TDH.SERVTD.BIND is not emulated",
    });
  });

  test("is refused by the dispatcher first, as any leaf: version and reserved bits", async () => {
    const invalid = { out: { rax: "0xc000010000000000" } };
    const version = call("TDH.SERVTD.BIND", 48, { rax: "0x10030" }, invalid);
    const reserved = call("TDH.SERVTD.BIND", 48, { rax: "0x8000000000000030" }, invalid);
    expect((await replayOne([version, reserved])).mismatches).toBe(0);
  });
});
