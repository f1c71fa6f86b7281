import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const LARGE = ["--memory", "400G", "--vcpus", "64"];

interface TraceFile {
  readonly otherData: { readonly simulated: boolean; readonly command: string };
  readonly traceEvents: readonly {
    readonly cat?: string;
    readonly pid: number;
    readonly name: string;
    readonly ts?: number;
    readonly dur?: number;
    readonly args?: Readonly<Record<string, number | string>>;
  }[];
}

interface Compared {
  readonly seamcalls: { readonly byLeaf: Readonly<Record<string, number>> };
  readonly statuses: Readonly<Record<string, number>>;
  readonly phases: readonly { readonly elapsedNs: { readonly mid: number } }[];
}

function countsIn({ traceEvents }: TraceFile): Record<string, number>[] {
  const counts: Record<string, number>[] = [];
  for (const { cat, pid, name, args } of traceEvents) {
    if (cat !== "seamcall") continue;
    counts[pid - 1] ??= {};
    const own = counts[pid - 1] as Record<string, number>;
    own[name] = (own[name] ?? 0) + Number(args?.["count"] ?? 0);
  }
  return counts;
}

async function written(args: readonly string[], name: string, format: string): Promise<string> {
  const file = join(temporaryDirectory("drawing"), name);
  const { code, stderr } = await runCli([...args, "--export", `${format}=${file}`]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return file;
}

describe("drawings in files", () => {
  test("a trace of 400 GiB is below 5 MB and adds up to the result exactly", async () => {
    const file = await written(["compare", ...LARGE], "trace.json", "perfetto");
    expect(statSync(file).size).toBeLessThan(5e6);
    const { stdout } = await runCli(["compare", ...LARGE, "--format", "json"]);
    const strategies: Compared[] = JSON.parse(stdout).strategies;
    const trace: TraceFile = JSON.parse(readFileSync(file, "utf8"));
    expect(trace.otherData.simulated).toBe(true);
    expect(countsIn(trace)).toEqual(strategies.map(({ seamcalls }) => seamcalls.byLeaf));
  });

  test("a picture and a page are made of compare and destroy", async () => {
    const svg = await written(["compare", "--memory", "1G"], "a.svg", "svg");
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg .*SIMULATED.*<\/svg>\n$/s);
    const html = await written(["destroy", "--hint", "--memory", "1G"], "a.html", "html");
    expect(readFileSync(html, "utf8")).toMatch(/^<!DOCTYPE html>.*SIMULATED.*<\/html>\n$/s);
  });

  test("the theme of a picture can be chosen", async () => {
    const file = await written(["compare", "--memory", "1G", "--theme", "dark"], "a.svg", "svg");
    expect(readFileSync(file, "utf8")).not.toContain("prefers-color-scheme");
  });

  test("are not offered by --format, which is for the terminal and for data", async () => {
    const { code, stderr } = await runCli(["compare", "--format", "svg"]);
    expect(code).toBe(64);
    expect(stderr).toContain("'svg' is invalid");
  });
});

describe("trace", () => {
  test("writes a trace of every strategy to stdout", async () => {
    const { code, stdout } = await runCli(["trace", "--memory", "1G"]);
    expect(code).toBe(0);
    const trace: TraceFile = JSON.parse(stdout);
    expect(trace.otherData.command).toBe("trace");
    expect(countsIn(trace)).toHaveLength(3);
  });

  test("writes to a named file alone", async () => {
    const file = join(temporaryDirectory("drawing"), "trace.json");
    const args = ["trace", "--memory", "1G", "--hint", "--export", `perfetto=${file}`];
    const { code, stdout } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(countsIn(JSON.parse(readFileSync(file, "utf8")))).toHaveLength(1);
  });

  test("gives folded stacks of one strategy", async () => {
    const args = ["trace", "--memory", "1G", "--strategy", "runtime", "--format", "folded"];
    const { stdout } = await runCli(args);
    expect(stdout).toContain("remove-private;TDH.MEM.RANGE.BLOCK 262144\n");
  });

  test("leaves a stored TD as it is", async () => {
    const store = temporaryDirectory("store");
    await runCli(["create", "a", "--memory", "1G"], { store });
    await runCli(["populate", "a"], { store });
    const before = await runCli(["show", "a", "--format", "json"], { store });
    expect((await runCli(["trace", "a"], { store })).code).toBe(0);
    expect((await runCli(["show", "a", "--format", "json"], { store })).stdout).toBe(before.stdout);
  });

  test("adds up with failed calls, and with times that an idea changes", async () => {
    const given = ["--memory", "64M", "--strategy", "exit,hint"];
    const fault = ["--fault", "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY|RCX@from=3,times=4"];
    const all = [...given, ...fault, "--what-if", "parallel=8"];
    const file = await written(["compare", ...all], "trace.json", "perfetto");
    const { stdout } = await runCli(["compare", ...all, "--format", "json"]);
    const strategies: Compared[] = JSON.parse(stdout).strategies;
    const trace: TraceFile = JSON.parse(readFileSync(file, "utf8"));
    expect(countsIn(trace)).toEqual(strategies.map(({ seamcalls }) => seamcalls.byLeaf));
    for (const [index, { statuses, phases }] of strategies.entries()) {
      const own = trace.traceEvents.filter(({ pid }) => pid === index + 1);
      const busy = own.filter(({ args }) => args?.["status"] === "TDX_OPERAND_BUSY|RCX");
      const count = busy.reduce((sum, { args }) => sum + Number(args?.["count"]), 0);
      expect(count).toBe(4);
      expect(statuses["TDX_OPERAND_BUSY|RCX"]).toBe(4);
      const end = Math.max(...own.map(({ ts = 0, dur = 0 }) => (ts + dur) * 1000));
      const mid = phases.reduce((sum, { elapsedNs }) => sum + elapsedNs.mid, 0);
      expect(Math.abs(end - mid)).toBeLessThan(5);
    }
  });

  test("needs no more memory for a file that is larger than the memory it may use", async () => {
    const file = join(temporaryDirectory("drawing"), "trace.json");
    const args = ["trace", "--memory", "1G", "--strategy", "runtime", "--max-events", "700000"];
    const env = { NODE_OPTIONS: "--max-old-space-size=40" };
    const { code, stderr } = await runCli([...args, "--export", `perfetto=${file}`], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(statSync(file).size).toBeGreaterThan(60e6);
  });

  test("refuses fewer slices than it can do with", async () => {
    const { code, stderr } = await runCli(["trace", "--max-events", "5"]);
    expect(code).toBe(64);
    expect(stderr).toContain("option --max-events <n>:");
  });
});
