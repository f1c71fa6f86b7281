import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageRuns } from "../../src/module/page-runs.ts";

const PAGES = 3000;
/** Tag 1 keeps one number for the whole run, tag 2 advances by one a page, tag 3 by 512. */
const stepOf = (tag: number): number => [0, 0, 1, 512][tag] as number;

type Assignment = { page: number; count: number; tag: number; base: number };

const assignment: fc.Arbitrary<Assignment> = fc.record({
  page: fc.nat(PAGES - 1),
  count: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 900 })),
  tag: fc.integer({ min: 0, max: 3 }),
  base: fc.integer({ min: 0, max: 3 }),
});

function both(assignments: readonly Assignment[]) {
  const runs = new PageRuns(stepOf);
  const flat = Array.from({ length: 3 * PAGES }, () => ({ tag: 0, base: 0 }));
  for (const { page, count, tag, base } of assignments) {
    // Bases that continue each other, so that runs do join.
    const first = base + page * stepOf(tag);
    runs.assign(page, count, tag, first);
    for (let i = 0; i < count; i++) flat[page + i] = { tag, base: first + i * stepOf(tag) };
  }
  return { runs, flat };
}

/** First page after `page` that does not continue it; Infinity after the last one. */
function endOf(flat: readonly { tag: number; base: number }[], page: number): number {
  let at = page + 1;
  for (; at < flat.length; at++) {
    const [before, after] = [flat[at - 1], flat[at]] as [(typeof flat)[0], (typeof flat)[0]];
    const base = before.tag === 0 ? after.base : before.base + stepOf(before.tag);
    if (after.tag !== before.tag || (after.tag !== 0 && after.base !== base)) return at;
  }
  return Number.POSITIVE_INFINITY;
}

describe("page runs", () => {
  it("hold for every page what was assigned to it last", () => {
    fc.assert(
      fc.property(fc.array(assignment, { maxLength: 60 }), (assignments) => {
        const { runs, flat } = both(assignments);
        const wrong = flat.findIndex((want, page) => {
          const tag = runs.seek(page);
          return tag !== want.tag || (tag !== 0 && runs.baseAt(page) !== want.base);
        });
        expect(wrong).toBe(-1);
      }),
      { numRuns: 150 },
    );
  });

  it("are maximal, sorted and counted", () => {
    fc.assert(
      fc.property(fc.array(assignment, { maxLength: 60 }), (assignments) => {
        const { runs } = both(assignments);
        const all = [...runs.runs()];
        expect(runs.runCount).toBe(all.length);
        for (const [i, run] of all.entries()) {
          const next = all[i + 1];
          if (next === undefined) break;
          const end = run.start + run.length;
          expect(end).toBeLessThanOrEqual(next.start);
          const continues =
            next.start === end &&
            next.tag === run.tag &&
            next.base === run.base + run.length * stepOf(run.tag);
          expect(continues).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("are seen whole by `runEnd`, whatever was assigned last", () => {
    fc.assert(
      fc.property(fc.array(assignment, { minLength: 1, maxLength: 40 }), (assignments) => {
        for (let made = 1; made <= assignments.length; made++) {
          const { runs, flat } = both(assignments.slice(0, made));
          for (let page = 0; page < PAGES; page = endOf(flat, page)) {
            runs.seek(page);
            expect(runs.runEnd, `run at ${page}`).toBe(endOf(flat, page));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("are whole again when a page goes back to the state of its run", () => {
    const runs = new PageRuns(stepOf);
    runs.assign(0, 512, 2, 1000);
    runs.assign(7, 1, 1, 0);
    runs.assign(7, 1, 2, 1007);
    runs.seek(0);
    expect(runs.runEnd).toBe(512);
  });

  it("take the first page of the next run over, also where a chunk ends between them", () => {
    const runs = new PageRuns(stepOf);
    for (let at = 0; at < PAGES; at += 3) runs.assign(at, 3, 1, at);
    for (let at = 3; at < PAGES; at += 3) {
      const taken = runs.clone();
      taken.assign(at, 1, 1, at - 3);
      taken.seek(at - 3);
      expect(taken.runEnd).toBe(at + 1);
    }
  });

  it("join the runs before and after them, also where a chunk ends between", () => {
    const runs = new PageRuns(stepOf);
    for (let at = 0; at < PAGES; at += 3) runs.assign(at, 3, 1, at);
    const all = PAGES / 3;
    for (let at = 3; at + 3 < PAGES; at += 3) {
      const toNext = runs.clone();
      toNext.assign(at, 3, 1, at + 3);
      expect([toNext.seek(at), toNext.runStart, toNext.runEnd]).toEqual([1, at, at + 6]);
      const toBefore = runs.clone();
      toBefore.assign(at, 3, 1, at - 3);
      expect([toBefore.seek(at), toBefore.runStart, toBefore.runEnd]).toEqual([1, at - 3, at + 3]);
      expect([toNext.runCount, toBefore.runCount]).toEqual([all - 1, all - 1]);
      toNext.assign(at - 3, 3, 1, at + 3);
      expect([toNext.runCount, toNext.baseAt(at + 5)]).toEqual([all - 2, at + 3]);
    }
  });

  it("can be emptied from the start, however many they are", () => {
    const runs = new PageRuns(stepOf);
    const pages = Array.from({ length: 40_000 }, (_, i) => 2 * i);
    for (const page of pages) runs.assign(page, 1, 2, page);
    for (const [i, page] of pages.entries()) {
      if (i % 5000 === 0) {
        const left = [...runs.runs()];
        expect([left.length, runs.runCount]).toEqual([pages.length - i, pages.length - i]);
        expect(left[0]).toEqual({ start: page, length: 1, tag: 2, base: page });
      }
      runs.assign(page, 1, 0, 0);
    }
    expect(runs.isEmpty).toBe(true);
  });

  it("survive thousands of single-page runs assigned and removed in any order", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(PAGES - 1)), (pages) => {
        const runs = new PageRuns(stepOf);
        const model = new Set<number>();
        let i = 0;
        for (const page of pages) {
          if (++i > 6000) break;
          const even = page - (page % 2);
          if (model.delete(even)) runs.assign(even, 1, 0, 0);
          else {
            model.add(even);
            runs.assign(even, 1, 2, even);
          }
        }
        expect(runs.runCount).toBe(model.size);
        const pagesSeen = Array.from({ length: PAGES }, (_, page) => runs.seek(page) === 2);
        expect(pagesSeen.findIndex((isSet, page) => isSet !== model.has(page))).toBe(-1);
      }),
      { numRuns: 5 },
    );
  });

  it("hold what is assigned across many chunks of single-page runs", () => {
    const wide = assignment.map((one) => ({ ...one, count: one.count * 4 }));
    fc.assert(
      fc.property(fc.array(wide, { minLength: 1, maxLength: 4 }), (assignments) => {
        const scattered = Array.from({ length: PAGES / 2 }, (_, i) => {
          return { page: 2 * i, count: 1, tag: 1, base: 0 };
        });
        const { runs, flat } = both([...scattered, ...assignments]);
        const wrong = flat.findIndex(({ tag }, page) => page < PAGES && runs.seek(page) !== tag);
        expect(wrong).toBe(-1);
        for (const { length } of runs.runs()) expect(length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it("give the end of a gap as the start of the next run", () => {
    const runs = new PageRuns(stepOf);
    runs.assign(100, 5, 1, 0);
    runs.seek(3);
    expect([runs.runStart, runs.runEnd]).toEqual([0, 100]);
    runs.seek(200);
    expect([runs.runStart, runs.runEnd]).toEqual([105, Number.POSITIVE_INFINITY]);
  });

  it("come back from their plain form and from a clone unchanged", () => {
    fc.assert(
      fc.property(fc.array(assignment, { maxLength: 40 }), (assignments) => {
        const { runs } = both(assignments);
        const fields = runs.toArray();
        const twin = runs.clone();
        expect(PageRuns.fromArray(stepOf, fields).toArray()).toEqual(fields);
        expect(twin.toArray()).toEqual(fields);
        twin.assign(0, PAGES, 1, 7);
        expect(runs.toArray()).toEqual(fields);
      }),
    );
  });
});
