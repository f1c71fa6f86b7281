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

  test("exports the rows that were there already too", async () => {
    const cwd = temporaryDirectory();
    const resume = ["--resume", "rows.ndjson"];
    await runCli([...GRID, ...resume, "--export", "csv=whole.csv"], { cwd });
    await runCli([...GRID, ...resume, "--export", "csv=again.csv"], { cwd });
    const file = (name: string): string => readFileSync(join(cwd, name), "utf8");
    expect(file("again.csv")).toBe(file("whole.csv"));
  });

  test("has no place for reports, which tell of every point", async () => {
    const path = join(temporaryDirectory(), "rows.ndjson");
    const { code, stderr } = await runCli([...GRID, "--resume", path, "--export", "tap=a.tap"]);
    expect(code).toBe(64);
    expect(stderr).toContain("tap tells of every point");
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

test("a sweep prints rows as they come, and keeps them in its files when it is ended", async () => {
  const csv = join(temporaryDirectory(), "rows.csv");
  const args = ["sweep", "--memory", "1G..400G:+1G", "--vcpus", "1..16", "-f", "ndjson"];
  const child = spawnCli([...args, "--export", `csv=${csv}`]);
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    // The first rows are there long before the last.
    if (stdout === "") child.kill("SIGTERM");
    stdout += chunk.toString();
  });
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(143);
  const points = rowsOf(stdout).map((row) => Number(row["sweep.point"]));
  expect(points).toEqual(points.toSorted((a, b) => a - b));
  expect(points.length).toBeLessThan(6400);
  expect(readFileSync(csv, "utf8").trimEnd().split("\n")).toHaveLength(1 + points.length);
});

describe("a sweep held against something", () => {
  const small = ["sweep", "--memory", "64M,128M", "--strategy", "hint"];

  async function earlier(format: string, change: (text: string) => string): Promise<string> {
    const path = join(temporaryDirectory(), "base");
    const { stdout } = await runCli([...small, "--format", format]);
    writeFileSync(path, change(stdout));
    return path;
  }

  test("has a test case for each point and expectation", async () => {
    const expected = ["--expect", "hint.seamcalls.total < 20000"];
    const { code, stdout } = await runCli([...small, ...expected, "--format", "junit"]);
    expect(code).toBe(1);
    expect(stdout).toContain('tests="2" failures="1"');
    expect(stdout).toContain('<testsuite name="point 1" tests="1" failures="1"');
  });

  test.each(["json", "ndjson"])(
    "fails at the point that grew since an earlier %s",
    async (format) => {
      const path = await earlier(format, (text) =>
        text.replace('"seamcalls.total":16457', '"seamcalls.total":16000'),
      );
      const args = [...small, "--baseline", path];
      const { code, stderr } = await runCli(args);
      expect(code).toBe(1);
      expect(stderr).toContain(
        "point 0: hint@v16.seamcalls.total: 16000 before, 16457 now (+2.856 %)",
      );
      expect((await runCli([...args, "--max-regression", "3%"])).code).toBe(0);
    },
  );

  test.each([
    ["of another grid", ["--vcpus", "2"], "td.vcpus is 4 there and 2 here"],
    ["with fewer points", ["--vcpus", "4,5"], "has no result of point 2"],
  ])("refuses an earlier sweep %s", async (_what, more, said) => {
    const path = await earlier("json", (text) => text);
    const { code, stderr } = await runCli([...small, ...more, "--baseline", path]);
    expect(code).toBe(65);
    expect(stderr).toContain(said);
  });

  test("adds its table to the summary of a GitHub job", async () => {
    const summary = join(temporaryDirectory(), "summary.md");
    await runCli([...small, "-f", "github"], { env: { GITHUB_STEP_SUMMARY: summary } });
    expect(readFileSync(summary, "utf8")).toContain("| 128 MiB | 4 | hint |");
  });
});

describe("--out of a sweep", () => {
  const FILES = ["config.json", "result.json"];

  test.each([
    ["a grid", GRID],
    [
      "every kind of setting",
      [
        ...["sweep", "--memory", "64M,128M", "--td", "published-4x18", "--seed", "4", "--step"],
        ...["--platform", "two-socket,hkids-15", "--shard", "2/3", "--what-if", "no-clear"],
        ...["--strategy", "hint,runtime", "--profile", "silicon-build-2025"],
        ...["--fault", "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY@k=3"],
      ],
    ],
  ])("is a run that gives the same bytes again: %s", async (_what, args) => {
    const cwd = temporaryDirectory();
    const printed = await runCli([...args, "--out", "first", "-f", "json"], { cwd });
    const again = await runCli(["run", "first/config.json", "--out", "again", "-f", "json"], {
      cwd,
    });
    expect(again).toEqual({ ...printed, code: 0 });
    const bytes = (directory: string) =>
      FILES.map((name) => readFileSync(join(cwd, directory, name)));
    expect(bytes("again")).toEqual(bytes("first"));
    expect(bytes("first")[1]?.toString()).toBe(printed.stdout);
  });

  test("keeps what it was held against", async () => {
    const cwd = temporaryDirectory();
    const small = ["sweep", "--memory", "64M", "--strategy", "hint"];
    await runCli([...small, "--export", "ndjson=base"], { cwd });
    const bounds = ["--baseline", "base", "--max-regression", "2%"];
    const expected = ["--expect", "hint.seamcalls.total < 3"];
    const first = await runCli([...small, ...bounds, ...expected, "--out", "a"], { cwd });
    const again = await runCli(["run", "a/config.json", "--out", "b"], { cwd });
    expect(first.code).toBe(1);
    expect(again).toEqual(first);
  });

  test.each([
    ["an axis of nothing", '"axes":[[{"vcpu":3}]]', 65, "axes.0.0.vcpu"],
    ["a shard of none", '"axes":[],"shard":{"index":3,"of":2}', 65, "3/2"],
  ])("is refused with %s", async (_what, part, exit, said) => {
    const settings = { strategies: null, shard: { index: 1, of: 1 }, profile: "published-2025" };
    const more = { seed: 1, step: false, faults: [], faultAny: false, whatIf: [], expect: [] };
    const head = { schema: "tdx-sim/sweep-config/v1", ...settings, ...more };
    const input = `${JSON.stringify(head).slice(0, -1)},${part}}`;
    const { code, stderr } = await runCli(["run", "-"], { input });
    expect(code).toBe(exit);
    expect(stderr).toContain(said);
  });
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
