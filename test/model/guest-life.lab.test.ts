import fc from "fast-check";
import { expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { convertTd, punchTd } from "../../src/lab/guest-life.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { LAYOUTS, resolveTdOptions } from "../../src/lab/td-options.ts";
import { destroyTd, type Session } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { KERNELS, teardownOn } from "../support/closed-form-kernels.ts";
import { GuestLife } from "../support/guest-life.ts";
import { PATIENCE, sample } from "../support/sample.ts";

const SESSION: Session = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
const FRAME = 4096;
/** Frames of the TDs here: a few tables of 4 KiB pages, a dozen of 2 MiB. */
const FRAMES = { "4K": 1300, "2M": 12 * 512 } as const;

const part = fc.record({ from: fc.nat(9999), frames: fc.integer({ min: 1, max: 2500 }) });
const event = fc.oneof(
  fc.record({ do: fc.constantFrom("convert", "back", "punch"), part }),
  fc.record({ do: fc.constant("populate"), share: fc.integer({ min: 1, max: 8 }) }),
);

const life = fc.record({
  kernel: fc.constantFrom(...Object.keys(KERNELS)),
  pageSize: fc.constantFrom("4K", "2M"),
  layout: fc.constantFrom(...LAYOUTS),
  vcpus: fc.integer({ min: 1, max: 5 }),
  packages: fc.integer({ min: 1, max: 3 }),
  running: fc.boolean(),
  step: fc.boolean(),
  events: fc.array(event, { maxLength: 7 }),
});

type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

/** Counts without those of PAMT pages: which regions are emptied depends on the host's pages. */
function withoutPamt(byLeaf: Readonly<Record<string, number>>): Record<string, number> {
  const own = Object.entries(byLeaf).filter(([leaf]) => !leaf.includes("PAMT"));
  return Object.fromEntries(own);
}

async function live(host: SimulatedHost, form: GuestLife, given: Life): Promise<void> {
  const session = { ...SESSION, step: given.step };
  const frames = FRAMES[given.pageSize as "4K" | "2M"];
  const unit = given.pageSize === "4K" ? 1 : 512;
  let populated = 0;
  const populate = async (upTo: number): Promise<void> => {
    const target = Math.max(populated, Math.ceil(upTo / unit) * unit);
    if (form.isFull(populated) && populated === frames) return;
    await populateTd(host, "a", { finalize: true, bytes: target * FRAME }, session);
    form.populate(target);
    populated = target;
  };
  await populate(Math.floor(frames / 2));
  for (const each of given.events) {
    if ("share" in each) {
      await populate(Math.floor((frames * each.share) / 8));
      continue;
    }
    const from = each.part.from % frames;
    const to = Math.min(frames, from + each.part.frames);
    const request = { at: from * FRAME, bytes: (to - from) * FRAME };
    if (each.do === "punch") {
      await punchTd(host, "a", request, session);
      form.punch(from, to);
    } else if (each.do === "convert") {
      await convertTd(host, "a", { ...request, to: "shared" }, session);
      form.convert(from, to);
    } else {
      await convertTd(host, "a", { ...request, to: "private" }, session);
      form.convertBack(from, to);
    }
    expect(checkInvariants(host.module)).toEqual([]);
  }
}

it(
  "conversions, holes and new faults count as their closed form, and so do teardowns after them",
  async () => {
    await fc.assert(
      fc.asyncProperty(life, async (given) => {
        const { kernel, layout, vcpus, packages } = given;
        const pageSize = given.pageSize as "4K" | "2M";
        const memoryBytes = FRAMES[pageSize] * FRAME;
        const running = given.running ? vcpus : 0;
        const options = resolveTdOptions({
          ...{ kernel, pageSize, layout, vcpus, packages, memoryBytes, running },
        });
        const host = SimulatedHost.boot(options);
        await createTd(host, "a", options, SESSION);
        const form = new GuestLife({ pageSize, layout, vcpus });
        await live(host, form, given);
        const { ioctls } = host.report("a") ?? expect.unreachable();
        for (const [ioctl, byLeaf] of Object.entries(form.counts)) {
          const counted = ioctls.find((each) => each.ioctl === ioctl)?.seamcalls.byLeaf ?? {};
          expect(withoutPamt(counted), ioctl).toEqual(byLeaf);
        }
        const known = KERNELS[kernel] ?? expect.unreachable();
        for (const strategy of Object.keys(known.strategies)) {
          if (strategy === "terminate" && running > 0) continue;
          const copy = host.clone();
          const session = { ...SESSION, step: given.step };
          const { strategies } = await destroyTd(copy, "a", { strategy }, session);
          const before = {
            small: form.small.size,
            large: form.large.size,
            tables: form.tables.map((tables) => tables.size),
            ...{ vcpus, packages, finalized: true },
          };
          const expected = teardownOn(known, strategy, before);
          const phases = strategies[0]?.phases.map(({ phase, seamcalls }) => ({
            phase,
            byLeaf: withoutPamt(seamcalls.byLeaf),
          }));
          const wanted = expected.phases.map(({ phase, byLeaf }) => ({
            phase,
            byLeaf: withoutPamt(byLeaf),
          }));
          expect(phases).toEqual(wanted);
          expect(strategies[0]?.hostWork).toMatchObject({
            pagesCleared: expected.pagesCleared,
            ipis: expected.ipis,
            vcpuKicks: expected.vcpuKicks,
          });
          expect(strategies[0]?.end).toMatchObject({ pagesLeaked: 0, hkidFree: true });
          expect(checkInvariants(copy.module)).toEqual([]);
          const pamt = copy.module.pamtPairs.isEmpty;
          expect(pamt, "every PAMT page came back").toBe(true);
        }
      }),
      sample(200, 2000),
    );
  },
  PATIENCE,
);
