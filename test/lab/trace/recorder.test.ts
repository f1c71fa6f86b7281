import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type TracePhase, TraceRecorder } from "../../../src/lab/trace/recorder.ts";

const OK = "TDX_SUCCESS";
const BLOCK = [7, "TDH.MEM.RANGE.BLOCK"] as const;
const REMOVE = [29, "TDH.MEM.PAGE.REMOVE"] as const;

function entriesOf(phases: readonly TracePhase[]): number {
  return phases.flatMap(({ batches }) => batches.flatMap(({ kinds }) => kinds)).length;
}

/** Calls by leaf and status, from the batches alone. */
function recounted(recorder: TraceRecorder): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { phase, batches } of recorder.phases()) {
    for (const batch of batches) {
      for (const [at, index] of batch.kinds.entries()) {
        const kind = recorder.kinds[index];
        const name = kind?.kind === "seamcall" ? `${kind.leaf} ${kind.status}` : kind?.work;
        const key = `${phase} ${name}`;
        counts[key] = (counts[key] ?? 0) + (batch.counts[at] ?? 0);
      }
    }
  }
  return counts;
}

describe("a recorder of SEAMCALLs", () => {
  test("goes on in a phase that is named again", () => {
    const recorder = new TraceRecorder();
    for (const phase of ["reclaim-sept", "reclaim-control", "reclaim-control"]) {
      recorder.phase(phase);
      recorder.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", OK, 1, -1, 0);
    }
    expect(recorder.phases().map(({ phase }) => phase)).toEqual([
      "reclaim-sept",
      "reclaim-control",
    ]);
  });

  test("keeps what takes turns as one batch, however long", () => {
    const recorder = new TraceRecorder();
    recorder.phase("remove-private");
    for (let look = 0; look < 10_000; look += 1) {
      recorder.seamcalls(...BLOCK, OK, 4096, 0, 0);
      recorder.seamcalls(...REMOVE, OK, 4096, 0, 0);
      recorder.hostWork("pageClears4K", 4096);
    }
    const [{ batches } = { batches: [] }] = recorder.phases();
    expect(batches).toEqual([{ kinds: [0, 1, 2], counts: [40_960_000, 40_960_000, 40_960_000] }]);
  });

  test("keeps a failed call apart, in its place", () => {
    const recorder = new TraceRecorder();
    recorder.phase("remove-private");
    for (const status of [OK, OK, "TDX_OPERAND_BUSY|SEPT_TREE", OK]) {
      recorder.seamcalls(...BLOCK, status, 1, 0, 0);
    }
    const counts = recorder.phases().flatMap(({ batches }) => batches.map((each) => each.counts));
    // Success; success and failure; success: read in turn, the order of the calls.
    expect(counts).toEqual([[1], [1, 1], [1]]);
  });

  test("tells LPs apart", () => {
    const recorder = new TraceRecorder();
    recorder.phase("release-hkid");
    recorder.seamcalls(18, "TDH.VP.FLUSH", OK, 1, -1, 3);
    recorder.seamcalls(18, "TDH.VP.FLUSH", OK, 1, -1, 5);
    recorder.phases();
    expect(recorder.kinds.map((kind) => kind.kind === "seamcall" && kind.lp)).toEqual([3, 5]);
  });

  test("loses no count when it runs out of room, and stays within it", () => {
    const event = fc.record({
      leaf: fc.constantFrom(BLOCK, REMOVE),
      status: fc.constantFrom(OK, "TDX_OPERAND_BUSY|RCX"),
      count: fc.integer({ min: 1, max: 50 }),
      lp: fc.integer({ min: 0, max: 2 }),
      clears: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (events) => {
        const small = new TraceRecorder(30);
        const roomy = new TraceRecorder(100_000);
        for (const recorder of [small, roomy]) {
          recorder.phase("one");
          for (const [index, { leaf, status, count, lp, clears }] of events.entries()) {
            if (index === 150) recorder.phase("two");
            const [number, name] = leaf;
            recorder.seamcalls(number, name, status, count, 0, lp);
            recorder.hostWork("pageClears4K", clears);
          }
        }
        expect(recounted(small)).toEqual(recounted(roomy));
        expect(small.ledger.toJSON()).toEqual(roomy.ledger.toJSON());
        // 13 kinds can occur in each of two phases: fewer entries than that cannot be had.
        expect(entriesOf(small.phases())).toBeLessThanOrEqual(30 + 13);
      }),
    );
  });
});
