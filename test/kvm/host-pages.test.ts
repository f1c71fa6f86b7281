import { describe, expect, it } from "vitest";
import { HostPages } from "../../src/kvm/host-pages.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { built, expectPristine } from "../support/td-vm.ts";

const GIB_PAGES = 2 ** 18;
const REGION = 512;

function arenasOf(pages: HostPages) {
  const { control, sept, memory, pamt } = pages.toJSON();
  return { control, sept, memory, pamt: pamt.pages };
}

function pagesOf(host: SimulatedHost): HostPages {
  return host.kvm({ phase() {}, seamcalls() {}, hostWork() {} }, true).pages;
}

describe("the host's memory for TDs", () => {
  it.each([GIB_PAGES / 16, GIB_PAGES, 512 * GIB_PAGES])(
    "is carved into arenas that follow each other to its end (%i pages)",
    (pages) => {
      const { control, sept, memory, pamt } = arenasOf(HostPages.carve(REGION, pages));
      const arenas = [control, ...sept, memory, pamt];
      expect(control.start).toBe(REGION);
      for (const [i, { start, end }] of arenas.entries()) {
        expect(end).toBe(arenas[i + 1]?.start ?? REGION + pages);
        expect(end).toBeGreaterThanOrEqual(start);
      }
      expect(memory.end - memory.start).toBeGreaterThan(pages * 0.9);
    },
  );

  it("has a table page of the lowest level for every 256 pages, fewer of those above", () => {
    const { sept } = arenasOf(HostPages.carve(0, 512 * GIB_PAGES));
    const sizes = sept.map(({ start, end }) => end - start);
    const lowest = (512 * GIB_PAGES) / 256;
    expect(sizes).toEqual([0, lowest, lowest / 64, lowest / 64, lowest / 64]);
  });

  it.each([GIB_PAGES, 512 * GIB_PAGES])(
    "is carved so that no two arenas share a region of 2 MiB (%i pages)",
    (pages) => {
      const { control, sept, memory, pamt } = arenasOf(HostPages.carve(REGION, pages));
      for (const { start } of [control, ...sept, memory, pamt]) expect(start % REGION).toBe(0);
    },
  );

  it("has control pages for a sixteenth of it, 4 GiB at most", () => {
    const control = (pages: number) => {
      const { start, end } = arenasOf(HostPages.carve(0, pages)).control;
      return end - start;
    };
    expect(control(16 * GIB_PAGES)).toBe(GIB_PAGES);
    expect(control(512 * GIB_PAGES)).toBe(4 * GIB_PAGES);
  });
});

describe("an image on a host without pages", () => {
  it.each([
    ["Secure EPT", (pages: HostPages) => pages.sept[1]],
    ["Secure EPT", (pages: HostPages) => pages.sept[3]],
    ["private memory", (pages: HostPages) => pages.memory],
  ])("for %s is -ENOMEM and loses none", (what, arenaOf) => {
    const { host, td } = built("vcpus");
    const arena = arenaOf(pagesOf(host)) ?? expect.unreachable("there is such an arena");
    const rest = arena.alloc(2 ** 40) ?? expect.unreachable("the arena has pages");
    const image = { gpa: 0, pages: 2 };
    expect(td.initMemRegion(image)).toMatchObject({
      ok: false,
      errno: "ENOMEM",
      reason: `no host pages for ${what}`,
      seamcalls: { total: 0 },
    });
    arena.free(rest.page, rest.count);
    expect(td.initMemRegion(image)).toMatchObject({ ok: true });
    td.close();
    expectPristine(host);
  });
});
