import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { replay } from "../../src/lab/replay/replay.ts";
import { call, ndjson, vectorFile } from "../support/vectors.ts";

interface Vector {
  readonly id: string;
  readonly steps: { readonly op: string; readonly lp: number; status?: string }[];
}

/** The first lifecycle, with its steps up to the first successful VP.ENTER. */
function lifecycleUntilEntry(): Vector {
  const text = gunzipSync(readFileSync(vectorFile("lifecycles"))).toString();
  const { steps, ...rest } = JSON.parse(text.slice(0, text.indexOf("\n"))) as Vector;
  const entry = steps.findIndex(({ status }) => status === "ENTERED_GUEST");
  return { ...rest, steps: steps.slice(0, entry + 1), final: null } as Vector;
}

function followedBy(step: object): Promise<unknown> {
  const vector = lifecycleUntilEntry();
  return replay(ndjson({ ...vector, steps: [...vector.steps, step] }), { name: "some.ndjson" });
}

const { id, steps } = lifecycleUntilEntry();
const lp = steps.at(-1)?.lp ?? 0;

test("an LP in the guest makes no SEAMCALL: that is bad data", async () => {
  await expect(followedBy(call("TDH.MNG.KEY.RECLAIMID", 27, {}, { lp }))).rejects.toMatchObject({
    kind: "data",
    message: `some.ndjson:1: ${id}: steps[${steps.length}]: LP ${lp} is in the guest, it makes no SEAMCALL`,
  });
});

test("an entry that was recorded as failed is a mismatch", async () => {
  const vector = lifecycleUntilEntry();
  const entry = { ...vector.steps.at(-1), out: { rax: "0x8000070100000000" } };
  const source = ndjson({ ...vector, steps: [...vector.steps.slice(0, -1), entry] });
  expect((await replay(source)).first).toMatchObject([
    {
      step: steps.length - 1,
      leaf: "TDH.VP.ENTER",
      field: "status",
      expected: "TDX_VCPU_ASSOCIATED",
      actual: "ENTERED_GUEST",
    },
  ]);
});

test("a failed entry that was recorded as successful is a mismatch", async () => {
  const again = { ...steps.at(-1), lp: 0, in: { rcx: "0x1" } };
  const vector = lifecycleUntilEntry();
  const source = ndjson({ ...vector, steps: [...vector.steps.slice(0, -1), again] });
  expect((await replay(source)).first).toMatchObject([
    { field: "status", expected: "ENTERED_GUEST", actual: "TDX_OPERAND_INVALID|RCX" },
  ]);
});

test("an exit is compared by what VP.ENTER returns", async () => {
  const exit = { op: "vp-exit", lp, out: { rax: "0x30" } };
  expect(await followedBy(exit)).toMatchObject({
    first: [{ leaf: "TDH.VP.ENTER", field: "rax", expected: "0x30", actual: "0x1" }],
  });
});

test("an ACCEPT that was recorded as a TD exit is compared by what VP.ENTER returns", async () => {
  // Nothing is mapped at the end of the guest's private addresses: the guest leaves.
  const rcx = "0x7ffffffff000";
  const exit = { rax: "0x30", rcx: "0x2", rdx: "0x1", r8: rcx, r9: "0x0" };
  const accept = { op: "td-accept", lp, in: { rcx }, status: "TD_EXIT" };
  expect(await followedBy({ ...accept, exit })).toMatchObject({
    first: [{ leaf: "TDG.MEM.PAGE.ACCEPT", field: "exit.rdx", expected: "0x1" }],
  });
  expect(await followedBy({ ...accept, status: "TDX_SUCCESS", out: { rax: "0x0" } })).toMatchObject(
    { first: [{ field: "status", expected: "TDX_SUCCESS", actual: "TD_EXIT" }] },
  );
});
