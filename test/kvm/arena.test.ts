import { describe, expect, it } from "vitest";
import { Arena } from "../../src/kvm/arena.ts";

const HUGE = 512;

/** An arena of pages 1000 to 1999 of which the first `used` are handed out. */
function arena(used = 0): Arena {
  const made = new Arena(1000, 2000);
  if (used > 0) made.alloc(used);
  return made;
}

describe("host pages of one use", () => {
  it("are handed out in ascending order up to the end", () => {
    const pages = arena();
    expect(pages.alloc(600)).toEqual({ page: 1000, count: 600 });
    expect(pages.alloc(600)).toEqual({ page: 1600, count: 400 });
    expect(pages.alloc(1)).toBeNull();
  });

  it("that were freed are handed out first, the lowest of them before the others", () => {
    const pages = arena(100);
    pages.free(1050, 2);
    pages.free(1020, 3);
    expect(pages.alloc(5)).toEqual({ page: 1020, count: 3 });
    expect(pages.alloc(1)).toEqual({ page: 1050, count: 1 });
    expect(pages.alloc(5)).toEqual({ page: 1051, count: 1 });
    expect(pages.alloc(5)).toEqual({ page: 1100, count: 5 });
  });

  it("aligned leave the pages before them to others", () => {
    const pages = arena();
    expect(pages.alloc(HUGE, HUGE)).toEqual({ page: 1024, count: HUGE });
    expect(pages.alloc(100)).toEqual({ page: 1000, count: 24 });
    expect(pages.alloc(100)).toEqual({ page: 1024 + HUGE, count: 100 });
  });

  it("are whole multiples of the alignment, as many as fit", () => {
    expect(new Arena(0, 3 * HUGE - 1).alloc(5 * HUGE, HUGE)).toEqual({ page: 0, count: 2 * HUGE });
    expect(new Arena(0, 5 * HUGE).alloc(3 * HUGE - 1, HUGE)).toEqual({ page: 0, count: 2 * HUGE });
    expect(new Arena(1, 2 * HUGE - 1).alloc(HUGE, HUGE)).toBeNull();
  });

  it("that were freed serve where an aligned part of them is long enough", () => {
    const pages = new Arena(0, 10 * HUGE);
    pages.alloc(6 * HUGE);
    pages.free(10, HUGE);
    pages.free(2 * HUGE - 3, 2 * HUGE);
    expect(pages.alloc(4 * HUGE, HUGE)).toEqual({ page: 2 * HUGE, count: HUGE });
    expect(pages.alloc(HUGE, HUGE)).toEqual({ page: 6 * HUGE, count: HUGE });
    expect(pages.alloc(2 * HUGE)).toEqual({ page: 10, count: HUGE });
  });

  it("leave an arena as new when all of them came back", () => {
    const pages = arena(30);
    pages.free(1010, 10);
    pages.free(1020, 10);
    expect(pages.toJSON()).toEqual({ start: 1000, end: 2000, next: 1010, freed: [] });
    pages.free(1000, 10);
    expect(pages.toJSON()).toEqual(arena().toJSON());
  });

  it("of a copy are its own", () => {
    const pages = arena(30);
    pages.free(1010, 10);
    const before = pages.toJSON();
    const copy = pages.clone();
    expect(copy.toJSON()).toEqual(before);
    copy.alloc(15);
    copy.alloc(15);
    expect(pages.toJSON()).toEqual(before);
    expect(pages.alloc(15)).toEqual({ page: 1010, count: 10 });
  });

  it("are the same again after they were stored", () => {
    const pages = arena(30);
    pages.free(1010, 10);
    pages.free(1000, 5);
    const again = Arena.restore(JSON.parse(JSON.stringify(pages.toJSON())));
    expect(again.toJSON()).toEqual({
      start: 1000,
      end: 2000,
      next: 1030,
      freed: [1000, 5, 1, 0, 1010, 10, 1, 0],
    });
    expect(again.alloc(8)).toEqual({ page: 1000, count: 5 });
    expect(again.alloc(10)).toEqual({ page: 1010, count: 10 });
  });
});
