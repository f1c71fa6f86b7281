import { describe, expect, test } from "vitest";
import { replay } from "../../../src/lab/replay/replay.ts";
import { call, createStep, ndjson, platformVector, sequenceVector } from "../../support/vectors.ts";

function replayed(...lines: readonly (object | string)[]): Promise<unknown> {
  return replay(ndjson(...lines), { name: "some.ndjson" });
}

function without(value: object, key: string): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

function onPlatform(changes: object): object {
  return sequenceVector([createStep()], { platform: platformVector(changes) });
}

/** Each is refused as data (exit code 65) with input and line in front. */
async function expectRefused(line: object | string, problem: string): Promise<void> {
  const good = sequenceVector([createStep()]);
  await expect(replayed(good, line)).rejects.toMatchObject({
    name: "Failure",
    kind: "data",
    message: expect.stringContaining(`some.ndjson:2: ${problem}`),
  });
}

describe("lines", () => {
  test("that are not JSON are refused", async () => {
    await expectRefused("{", "not JSON: ");
    await expectRefused("seq-00001", "not JSON: ");
  });

  test("that are JSON but no object are refused", async () => {
    await expectRefused("[]", "a sequence is an object, not a list");
    await expectRefused("17", "a sequence is an object, not 17");
    await expectRefused("null", "a sequence is an object, not null");
  });

  test("that are empty are passed over, and counted", async () => {
    await expect(replayed("", "   ", "{")).rejects.toMatchObject({
      message: expect.stringContaining("some.ndjson:3: not JSON"),
    });
  });

  test("may end in CR LF and begin with a byte order mark", async () => {
    const line = JSON.stringify(sequenceVector([createStep()]));
    expect(await replayed(`\uFEFF${line}\r`, `${line}\r`)).toMatchObject({ sequences: 2 });
  });

  test("must be there: an input without a sequence is no vector file", async () => {
    await expect(replayed("", "")).rejects.toMatchObject({
      kind: "data",
      message: "some.ndjson: no sequence in it",
    });
    await expect(replay([])).rejects.toMatchObject({ kind: "data" });
  });

  test("do not carry control characters into the message", async () => {
    await expect(replayed('{"id": \u001b[31mred}')).rejects.toMatchObject({
      message: expect.not.stringContaining("\u001b"),
    });
  });
});

describe("fields", () => {
  test.each(["id", "platform", "steps"])("%s of a sequence may not be missing", async (key) => {
    await expectRefused(without(sequenceVector([createStep()]), key), "");
    await expect(replayed(without(sequenceVector([createStep()]), key))).rejects.toThrow(
      `field ${key} is missing`,
    );
  });

  test.each(Object.keys(platformVector()))("%s of a platform may not be missing", async (key) => {
    const line = sequenceVector([], { platform: without(platformVector(), key) });
    await expectRefused(line, `seq-test: platform: field ${key} is missing`);
  });

  test.each(["op", "lp", "leaf", "number", "in", "out"])(
    "%s of a SEAMCALL may not be missing",
    async (key) => {
      const line = sequenceVector([createStep(), without(createStep(), key)]);
      await expectRefused(line, `seq-test: steps[1]: field ${key} is missing`);
    },
  );

  test("of a wrong kind are named with what was found", async () => {
    await expectRefused(
      sequenceVector([createStep({ lp: "0" })]),
      'seq-test: steps[0].lp: "0" is not an integer from 0 to 1',
    );
    await expectRefused(sequenceVector([], { steps: {} }), "seq-test.steps: a list is wanted here");
    await expectRefused(sequenceVector([17 as never]), "seq-test: steps[0]: an object is wanted");
    await expectRefused(
      sequenceVector([createStep({ entropy: 0 })]),
      "seq-test: steps[0].entropy: true or false is wanted here, not 0",
    );
    await expectRefused(
      sequenceVector([createStep({ pconfig: "SLOW" })]),
      'seq-test: steps[0].pconfig: "SLOW" is not ENTROPY_ERROR or DEVICE_BUSY',
    );
  });

  test("with an unknown op are refused", async () => {
    const line = sequenceVector([createStep({ op: "tdcall" })]);
    await expectRefused(line, 'seq-test: steps[0]: unknown op "tdcall"');
  });

  test("that contradict each other about the leaf are refused", async () => {
    await expectRefused(
      sequenceVector([createStep({ number: 8 })]),
      'seq-test: steps[0].leaf: "TDH.MNG.CREATE" has number 9, not 8',
    );
    await expectRefused(
      sequenceVector([createStep({ in: { rax: "0x8" } })]),
      "seq-test: steps[0].in.rax: bits 15:0 are not the leaf number 9",
    );
  });
});

describe("values out of range", () => {
  test.each([
    { value: "0x1000000000000000f", what: "more than 64 bits" },
    { value: "4096", what: "not hexadecimal" },
    { value: "0x", what: "no digits" },
    { value: 4096, what: "a number" },
    { value: null, what: "null" },
  ])("$what as a register is refused", async ({ value }) => {
    const line = sequenceVector([createStep({ in: { rcx: value } })]);
    await expectRefused(line, "seq-test: steps[0].in.rcx: ");
  });

  test("LPs that the platform has not are refused", async () => {
    await expectRefused(sequenceVector([createStep({ lp: 2 })]), "seq-test: steps[0].lp: 2 is not");
    await expectRefused(sequenceVector([createStep({ lp: -1 })]), "seq-test: steps[0].lp: -1");
  });

  test("addresses of TD_PARAMS beyond 52 bits are refused", async () => {
    const step = { op: "host-write-td-params", pa: "0x10000000000000", tdParams: {} };
    await expectRefused(sequenceVector([step]), "seq-test: steps[0].pa: ");
  });

  test("fields of TD_PARAMS that do not fit are refused", async () => {
    const step = { op: "host-write-td-params", pa: "0x1000", tdParams: { maxVcpus: 65536 } };
    await expectRefused(
      sequenceVector([step]),
      "seq-test: steps[0].tdParams.maxVcpus: 65536 does not fit in 2 bytes",
    );
  });

  test("HKIDs of the end state that the platform has not are refused", async () => {
    const final = { hkids: { 36: { state: "FREE", wbinvdBitmap: 0 } } };
    await expectRefused(
      sequenceVector([], { final }),
      'seq-test: final.hkids: "36" is not an HKID from 32 to 35',
    );
  });

  test.each([
    ["tdmrs", { tdmrs: [{ base: "0x40000000", size: "0x1000" }] }],
    ["tdmrs", { tdmrs: [{ base: "0x40000001", size: "0x40000000" }] }],
    ["tdmrs", { tdmrs: [{ base: "0x400000000000", size: "0x40000000" }] }],
    ["hkids", { hkids: { first: 60, count: 8, global: 60 } }],
    ["hkids", { hkids: { first: 32, count: 4, global: 36 } }],
    ["lpToPackage", { lpToPackage: [0] }],
    ["lpToPackage", { lpToPackage: [0, 2] }],
    ["lpToPackage", { lpToPackage: [0, 0] }],
    ["packages", { packages: 9 }],
    ["cacheSubBlocks", { cacheSubBlocks: 0 }],
    ["maxPa", { maxPa: 53 }],
  ])("%s of an impossible platform are refused: %j", async (field, changes) => {
    await expectRefused(onPlatform(changes), `seq-test: platform.${field}`);
  });

  test("TDMRs that overlap are refused", async () => {
    const tdmr = { base: "0x40000000", size: "0x80000000" };
    const tdmrs = [tdmr, { base: "0x80000000", size: "0x40000000" }];
    await expectRefused(onPlatform({ tdmrs }), "seq-test: platform.tdmrs: two TDMRs overlap");
  });

  test("reserved areas outside their TDMR are refused", async () => {
    const reserved = [{ offset: "0x3ffff000", size: "0x2000" }];
    const tdmrs = [{ base: "0x40000000", size: "0x40000000", reserved }];
    await expectRefused(onPlatform({ tdmrs }), "seq-test: platform.tdmrs[0].reserved[0].size: ");
  });
});

describe("steps that cannot be", () => {
  const exit = { op: "vp-exit", lp: 0, out: { rax: "0x1" } };
  const accept = { op: "td-accept", lp: 0, in: { rcx: "0x0" }, out: { rax: "0x0" } };

  test("an exit of an LP that is not in the guest", async () => {
    await expectRefused(sequenceVector([exit]), "seq-test: steps[0]: LP 0 is not in the guest");
  });

  test("an ACCEPT on an LP that is not in the guest", async () => {
    await expectRefused(sequenceVector([accept]), "seq-test: steps[0]: LP 0 is not in the guest");
  });

  test("a vp-enter of another leaf", async () => {
    const step = call("LEAF_42", 42, {}, { op: "vp-enter" });
    await expectRefused(
      sequenceVector([step]),
      "seq-test: steps[0].number: TDH.VP.ENTER has number 0",
    );
  });
});
