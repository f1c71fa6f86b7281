import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { createStep, sequenceVector } from "../support/vectors.ts";

interface Leaves {
  readonly schema: string;
  readonly pairsReached: number | null;
  readonly leaves: readonly {
    readonly leaf: string;
    readonly number: number;
    readonly caller: string;
    readonly emulated: string;
    readonly missing: string | null;
    readonly reached: Record<string, number> | null;
    readonly unreached: string[] | null;
  }[];
}

async function leaves(args: readonly string[] = [], input = ""): Promise<Leaves> {
  const { code, stdout } = await runCli(["leaves", "--format", "json", ...args], { input });
  expect(code).toBe(0);
  return JSON.parse(stdout) as Leaves;
}

describe("leaves", () => {
  test("lists every leaf number that the module implements, once and in order", async () => {
    const host = (await leaves()).leaves.filter(({ caller }) => caller === "host");
    const numbers = [...Array(42).keys(), 43, 44, 45, 48, 49, 52, 53, 64, 65, 66, 68];
    for (const number of [70, 71, 72, 73, 74, 75, 80, 81, 82, 83, 84, 85, 86, 87, 96]) {
      numbers.push(number);
    }
    expect(host.map(({ number }) => number)).toEqual(numbers);
  });

  test("says of each how far it is emulated and what is missing", async () => {
    const byName = new Map((await leaves()).leaves.map((leaf) => [leaf.leaf, leaf]));
    expect(byName.get("TDH.MEM.PAGE.REMOVE")).toMatchObject({ emulated: "fully", missing: null });
    expect(byName.get("TDH.VP.ENTER")).toMatchObject({
      emulated: "in part",
      missing: expect.stringContaining("no guest code"),
    });
    expect(byName.get("TDH.SERVTD.BIND")).toMatchObject({ emulated: "not" });
    expect(byName.get("TDG.MEM.PAGE.ACCEPT")).toMatchObject({ caller: "guest" });
  });

  test("fits a terminal of 80 columns", async () => {
    const { stdout } = await runCli(["leaves"]);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});

test("leaves --coverage tells which statuses a vector file reached and which not", async () => {
  const vector = sequenceVector([createStep({ status: "TDX_SUCCESS" })]);
  const report = await leaves(["--coverage", "-"], JSON.stringify(vector));
  expect(report.pairsReached).toBe(1);
  const create = report.leaves.find(({ leaf }) => leaf === "TDH.MNG.CREATE");
  expect(create?.reached).toEqual({ TDX_SUCCESS: 1 });
  expect(create?.unreached).toContain("TDX_HKID_NOT_FREE");
  expect(create?.unreached).not.toContain("TDX_SUCCESS");
});

test("leaves --coverage says when the vectors have mismatches", async () => {
  const vector = sequenceVector([createStep({ out: { rax: "0x1" } })]);
  const result = await runCli(["leaves", "--coverage", "-"], { input: JSON.stringify(vector) });
  expect(result.code).toBe(0);
  expect(result.stderr).toContain("mismatches");
});
