import { describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { compareFresh } from "../../src/lab/teardown.ts";
import { type Trace, TraceSession } from "../../src/lab/trace/trace.ts";
import { perfettoChunks } from "../../src/report/drawings/perfetto.ts";

const GIB = 2 ** 30;

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, number | string>>;
}

async function traceOf(options: Partial<TdOptions>, step = false): Promise<Trace> {
  const recording = new TraceSession();
  const session = { profile: PUBLISHED_2025, seed: 1, step, observe: recording.observe };
  const result = await compareFresh(resolveTdOptions(options), { source: "options" }, session);
  return recording.trace(result, PUBLISHED_2025);
}

function eventsOf(trace: Trace, maxEvents?: number): readonly TraceEvent[] {
  return JSON.parse([...perfettoChunks(trace, maxEvents)].join("")).traceEvents;
}

function seamcalls(events: readonly TraceEvent[], pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    if (event.pid !== pid || event.cat !== "seamcall") continue;
    counts[event.name] = (counts[event.name] ?? 0) + Number(event.args["count"]);
  }
  return counts;
}

const LARGE = await traceOf({ memoryBytes: 400 * GIB, vcpus: 64, packages: 2 });
const SMALL = await traceOf({ memoryBytes: 2 ** 22, vcpus: 2 });

describe("a Perfetto trace", () => {
  test.each([100, 5000, undefined])("of 400 GiB adds up to the ledger, %s events", (maxEvents) => {
    const events = eventsOf(LARGE, maxEvents);
    for (const [index, { seamcalls: counted }] of LARGE.result.strategies.entries()) {
      expect(seamcalls(events, index + 1)).toEqual(counted.byLeaf);
    }
  });

  test("of 400 GiB is below 5 MB", () => {
    expect([...perfettoChunks(LARGE)].join("").length).toBeLessThan(5e6);
  });

  test("has about as many slices as asked for", () => {
    const count = (maxEvents: number): number =>
      eventsOf(LARGE, maxEvents).filter(({ cat }) => cat === "seamcall" || cat === "host").length;
    expect(count(3000)).toBeGreaterThan(2000);
    expect(count(3000)).toBeLessThan(4000);
  });

  test("with room for all shows every SEAMCALL by itself", () => {
    const slices = eventsOf(SMALL, 1_000_000).filter(({ cat }) => cat === "seamcall");
    const total = SMALL.result.strategies.reduce((sum, each) => sum + each.seamcalls.total, 0);
    expect(slices.length).toBe(total);
    expect(slices.every(({ args }) => args["count"] === 1)).toBe(true);
  });

  test("is the same when every SEAMCALL was made one by one", async () => {
    const stepped = await traceOf({ memoryBytes: 2 ** 22, vcpus: 2 }, true);
    expect(eventsOf(stepped)).toEqual(eventsOf(SMALL));
  });

  test("ends when the estimate does, without gaps between slices", () => {
    const events = eventsOf(LARGE);
    for (const [index, { elapsedNs }] of LARGE.result.strategies.entries()) {
      const slices = events.filter(({ pid, cat }) => {
        return pid === index + 1 && (cat === "seamcall" || cat === "host");
      });
      let end = 0;
      for (const { ts, dur } of slices) {
        expect(Math.abs(ts - end)).toBeLessThan(1e-3);
        end = ts + dur;
      }
      expect(Math.abs(end * 1000 - elapsedNs.mid)).toBeLessThan(5);
    }
  });

  test("counts pages and HKIDs down to none, and follows the lifecycle", () => {
    const events = eventsOf(LARGE).filter(({ pid }) => pid === 3);
    const counter = (name: string): unknown[] =>
      events.filter((event) => event.ph === "C" && event.name === name).map(({ args }) => args);
    expect(counter("pages left")[0]).toEqual({ pages: 104_857_600 });
    expect(counter("pages left").at(-1)).toEqual({ pages: 0 });
    expect(counter("HKIDs in use")).toEqual([{ HKIDs: 1 }, { HKIDs: 0 }]);
    const states = events.filter(({ cat }) => cat === "lifecycle").map(({ name }) => name);
    expect(states).toEqual(["TD_KEYS_CONFIGURED", "TD_BLOCKED", "TD_TEARDOWN"]);
  });

  test("has a track for each phase and LP, and one process for each strategy", () => {
    const names = eventsOf(LARGE)
      .filter(({ ph, pid, name }) => ph === "M" && pid === 1 && name === "thread_name")
      .map(({ args }) => args["name"]);
    expect(names).toContain("phase remove-private");
    expect(names).toContain("LP 0");
    expect(names).toContain("LP 63");
    const processes = eventsOf(LARGE).filter(({ name }) => name === "process_name");
    expect(processes.map(({ pid }) => pid)).toEqual([1, 2, 3]);
  });

  test("says simulated, the profile and the range of every phase", () => {
    const events = eventsOf(LARGE);
    for (const { args } of events.filter(({ name }) => name === "process_name")) {
      expect(args["name"]).toMatch(/SIMULATED, published-2025, .* to .*/);
    }
    for (const { args } of events.filter(({ cat }) => cat === "phase")) {
      expect(args["simulated"]).toBe(true);
      expect(Number(args["lowNs"])).toBeLessThanOrEqual(Number(args["midNs"]));
      expect(Number(args["midNs"])).toBeLessThanOrEqual(Number(args["highNs"]));
      expect(args["basis"]).toMatch(/measured|fitted|assumed/);
    }
  });
});
