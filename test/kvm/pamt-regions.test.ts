import { describe, expect, it } from "vitest";
import { Arena } from "../../src/kvm/arena.ts";
import { PAGES_PER_REGION, PamtRegions } from "../../src/kvm/pamt-regions.ts";

/** PAMT pages lie from here on. */
const PAMT = 100_000;

/** Regions of a host; those up to `added` have PAMT pages. */
function regions(added = 0): PamtRegions {
  const made = new PamtRegions(new Arena(PAMT, PAMT + 1000));
  if (added > 0) take(made, 0, added);
  return made;
}

/** All of the regions from `first` on that have no PAMT pages get them. */
function take(pamt: PamtRegions, first: number, count: number): void {
  const [pfn, pages] = [first * PAGES_PER_REGION, count * PAGES_PER_REGION];
  for (let run = pamt.takePairs(pfn, pages); run !== null; run = pamt.takePairs(pfn, pages)) {
    pamt.add(run, run.count);
  }
}

describe("PAMT pages of a region of 2 MiB (kvm-teardown D.3)", () => {
  it("are two for each region that pages of 4 KiB lie in", () => {
    const pamt = regions();
    expect(pamt.takePairs(PAGES_PER_REGION - 1, 2)).toEqual({ region: 0, count: 2, pair: PAMT });
    expect(pamt.takePairs(5 * PAGES_PER_REGION, 1)).toEqual({
      region: 5,
      count: 1,
      pair: PAMT + 4,
    });
  });

  it("are taken for those regions alone that have none", () => {
    const pamt = regions(2);
    take(pamt, 4, 1);
    const [pfn, pages] = [PAGES_PER_REGION, 5 * PAGES_PER_REGION];
    const run = pamt.takePairs(pfn, pages) ?? expect.unreachable();
    expect(run).toEqual({ region: 2, count: 2, pair: PAMT + 6 });
    pamt.add(run, 2);
    expect(pamt.takePairs(pfn, pages)).toMatchObject({ region: 5, count: 1 });
    expect(pamt.takePairs(0, 5 * PAGES_PER_REGION)).toBeNull();
  });

  it("go back where the module did not take them", () => {
    const pamt = regions();
    const fresh = pamt.toJSON();
    const run = pamt.takePairs(0, 3 * PAGES_PER_REGION) ?? expect.unreachable();
    pamt.add(run, 1);
    expect(pamt.toJSON()).toMatchObject({
      pages: { next: PAMT + 2, freed: [] },
      pairs: [0, 1, 1, PAMT],
      idle: [0, 1, 1, 0],
    });
    const all = pamt.takePairs(PAGES_PER_REGION, 1) ?? expect.unreachable();
    pamt.add(all, 0);
    pamt.remove({ region: 0, count: 1, pair: PAMT }, 0);
    pamt.remove({ region: 0, count: 1, pair: PAMT }, 1);
    expect(pamt.toJSON()).toEqual(fresh);
  });
});

describe("a region that no page is used of", () => {
  it("is idle, from the last page that came back on", () => {
    const pamt = regions(4);
    pamt.get(10, 3);
    pamt.get(PAGES_PER_REGION, 2 * PAGES_PER_REGION);
    expect(pamt.firstIdle()).toEqual({ region: 3, count: 1, pair: PAMT + 6 });
    pamt.put(11, 2);
    expect(pamt.firstIdle()).toMatchObject({ region: 3 });
    pamt.put(10, 1);
    expect(pamt.firstIdle()).toEqual({ region: 0, count: 1, pair: PAMT });
    pamt.put(PAGES_PER_REGION, 2 * PAGES_PER_REGION);
    expect(pamt.firstIdle()).toEqual({ region: 0, count: 4, pair: PAMT });
  });

  it("is told alone where the PAMT pages of the next one do not follow", () => {
    const pamt = regions();
    for (const region of [5, 7, 6]) take(pamt, region, 1);
    expect(pamt.firstIdle()).toEqual({ region: 5, count: 1, pair: PAMT });
    expect(regions().firstIdle()).toBeNull();
  });

  it("is told with those after it up to one that is used", () => {
    const pamt = regions();
    take(pamt, 5, 4);
    pamt.get(7 * PAGES_PER_REGION, 1);
    expect(pamt.firstIdle()).toEqual({ region: 5, count: 2, pair: PAMT });
  });

  it("gives its PAMT pages back, as many as the module gave", () => {
    const pamt = regions(3);
    const run = pamt.firstIdle() ?? expect.unreachable();
    pamt.remove(run, 2);
    expect(pamt.firstIdle()).toEqual({ region: 2, count: 1, pair: PAMT + 4 });
    expect(pamt.takePairs(0, 1)).toEqual({ region: 0, count: 1, pair: PAMT });
  });

  it("whose PAMT pages the module keeps is not asked again, and needs none", () => {
    const pamt = regions(2);
    pamt.forget(0);
    expect(pamt.firstIdle()).toMatchObject({ region: 1 });
    expect(pamt.takePairs(0, PAGES_PER_REGION)).toBeNull();
  });
});

describe("users of a region", () => {
  it.each([
    ["a part of one", 3, 5],
    ["one from its start", 0, PAGES_PER_REGION],
    ["a whole one and a part", 0, PAGES_PER_REGION + 1],
    ["parts at both ends", 7, 3 * PAGES_PER_REGION],
    ["all but the first page", 1, 4 * PAGES_PER_REGION - 1],
  ])("are counted page by page: %s", (_, pfn, pages) => {
    const [together, singly] = [regions(4), regions(4)];
    together.get(0, 4 * PAGES_PER_REGION);
    singly.get(0, 4 * PAGES_PER_REGION);
    together.put(pfn, pages);
    for (let page = pfn; page < pfn + pages; page++) singly.put(page, 1);
    expect(together.toJSON()).toEqual(singly.toJSON());
  });

  it("of a copy, and of what was stored, are its own", () => {
    const pamt = regions(3);
    pamt.get(0, 700);
    const before = pamt.toJSON();
    const copy = pamt.clone();
    const again = PamtRegions.restore(JSON.parse(JSON.stringify(before)));
    for (const other of [copy, again]) {
      expect(other.toJSON()).toEqual(before);
      expect(other.firstIdle()).toEqual({ region: 2, count: 1, pair: PAMT + 4 });
      other.put(0, 700);
      expect(other.firstIdle()).toEqual({ region: 0, count: 3, pair: PAMT });
    }
    expect(pamt.toJSON()).toEqual(before);
  });
});
