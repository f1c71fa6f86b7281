import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli, spawnCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const GRID = ["sweep", "--memory", "64M..512M:x2", "--vcpus", "1,3", "--strategy", "hint,runtime"];
const MIB = 2 ** 20;

type Row = Readonly<Record<string, unknown>>;

function rowsOf(text: string): Row[] {
  return text
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
}

async function rows(...args: string[]): Promise<Row[]> {
  const { stdout, stderr } = await runCli([...args, "--format", "ndjson"]);
  expect(stderr).toBe("");
  return rowsOf(stdout);
}

describe("sweep", () => {
  test("prints rows in grid order, the strategies of a point together", async () => {
    const found = await rows(...GRID);
    expect(
      found.map((row) => [row["vcpus"], Number(row["memoryBytes"]) / MIB, row["strategy"]]),
    ).toEqual(
      [1, 3].flatMap((vcpus) =>
        [64, 128, 256, 512].flatMap((mib) =>
          ["hint", "runtime"].map((strategy) => [vcpus, mib, strategy]),
        ),
      ),
    );
  });

  test("gives at each point what compare gives there", async () => {
    const found = await rows("sweep", "--memory", "64M,128M", "--vcpus", "2");
    for (const mib of [64, 128]) {
      const alone = await rows("compare", "--memory", `${mib}M`, "--vcpus", "2");
      const there = found.filter((row) => row["memoryBytes"] === mib * MIB);
      const without = there.map(({ "sweep.grid": _, "sweep.point": __, ...row }) => ({
        ...row,
        command: "compare",
      }));
      expect(without).toEqual(alone);
    }
  });

  test("prints CSV as compare does", async () => {
    const swept = await runCli(["sweep", "--memory", "64M", "--format", "csv"]);
    const alone = await runCli(["compare", "--memory", "64M", "--format", "csv"]);
    const cut = swept.stdout
      .replaceAll(/,[^,\n]*,[^,\n]*$/gm, "")
      .replaceAll(",sweep,", ",compare,");
    expect(cut).toBe(alone.stdout);
  });

  test("shards share the grid without a gap", async () => {
    const all = await rows(...GRID);
    const parts = await Promise.all(
      ["1/3", "2/3", "3/3"].map((shard) => rows(...GRID, "--shard", shard)),
    );
    const point = (row: Row) => Number(row["sweep.point"]);
    expect(parts.flat().toSorted((a, b) => point(a) - point(b))).toEqual(all);
  });

  test("has a table, Markdown and JSON of the same rows", async () => {
    const { stdout } = await runCli([...GRID, "--format", "json"]);
    const document = JSON.parse(stdout);
    expect(document.schema).toBe("tdx-sim/sweep/v1");
    expect(document.rows).toEqual(await rows(...GRID));
    const table = await runCli(GRID);
    expect(table.stdout).toMatch(/Memory +vCPUs +Strategy +SEAMCALLs/);
    expect(Math.max(...table.stdout.split("\n").map((line) => line.length))).toBeLessThan(81);
    expect((await runCli([...GRID, "-f", "markdown"])).stdout).toContain("| ---: |");
  });

  test("writes several files at once", async () => {
    const directory = temporaryDirectory();
    const [csv, svg] = [join(directory, "a.csv"), join(directory, "a.svg")];
    const { code } = await runCli([...GRID, "--export", `csv=${csv}`, "--export", `svg=${svg}`]);
    expect(code).toBe(0);
    expect(readFileSync(csv, "utf8").split("\n")).toHaveLength(1 + 16 + 1);
    expect(readFileSync(svg, "utf8")).toContain("<svg");
  });
});

describe("--resume", () => {
  test("goes on after a row that was cut in the middle, to the same bytes", async () => {
    const directory = temporaryDirectory();
    const [whole, cut] = [join(directory, "whole.ndjson"), join(directory, "cut.ndjson")];
    await runCli([...GRID, "--resume", whole]);
    const bytes = readFileSync(whole);
    for (const share of [0, 0.2, 0.5, 0.99, 1]) {
      writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length * share)));
      expect((await runCli([...GRID, "--resume", cut])).code).toBe(0);
      expect(readFileSync(cut)).toEqual(bytes);
    }
  });

  test.each([
    ["another grid", ["--seed", "2"], "belongs to another sweep"],
    ["another shard", ["--shard", "2/2"], "is point 0, not 1"],
  ])("refuses the rows of %s", async (_what, more, said) => {
    const path = join(temporaryDirectory(), "rows.ndjson");
    await runCli([...GRID, "--resume", path]);
    const { code, stderr } = await runCli([...GRID, ...more, "--resume", path]);
    expect(code).toBe(65);
    expect(stderr).toContain(said);
  });

  test("keeps a file that holds something else", async () => {
    const path = join(temporaryDirectory(), "notes.txt");
    writeFileSync(path, "mine\n");
    expect((await runCli([...GRID, "--resume", path])).code).toBe(65);
    expect(readFileSync(path, "utf8")).toBe("mine\n");
  });
});

test("an interrupted sweep keeps its rows and says how to go on", async () => {
  const path = join(temporaryDirectory(), "rows.ndjson");
  const args = ["sweep", "--memory", "1G..400G:+1G", "--vcpus", "1..16", "--resume", path];
  const child = spawnCli(args);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  await expect.poll(() => sizeOf(path), { timeout: 20_000 }).toBeGreaterThan(0);
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(stderr).toMatch(/interrupted after \d+ of 6400 points/);
  const found = rowsOf(readFileSync(path, "utf8"));
  expect(found.length % 3).toBe(0);
  expect(found.length).toBeGreaterThan(0);
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
