import { expect } from "vitest";
import { TdVm, type TdVmControl } from "../../src/lab/ioctls.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { PT_NDA, typeOf } from "../../src/module/page-types.ts";
import { moduleToJSON } from "../../src/module/snapshot.ts";

export const PAGE = 4096;

/** How far a TD is built, each stage with the ones before it. */
export const STAGES = ["created", "initialized", "vcpus", "image", "finalized", "touched"] as const;
export type Stage = (typeof STAGES)[number];

/** A TD of a few pages: an image of 2, 4 in all, 2 vCPUs; the options change that. */
export const SMALL = { memoryBytes: 4 * PAGE, vcpus: 2 } as const satisfies Partial<TdOptions>;
const IMAGE = { gpa: 0, pages: 2 };

/** The same TD; the module's invariants are checked after each of its ioctls. */
function checked(host: SimulatedHost, td: TdVm): TdVm {
  return new Proxy(td, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const answer: unknown = value.apply(target, args);
        expect(checkInvariants(host.module), `after ${String(key)}`).toEqual([]);
        return answer;
      };
    },
  });
}

export interface Built {
  readonly host: SimulatedHost;
  readonly td: TdVm;
}

/** A host of its own with one TD, built up to `stage` by ioctls that all succeed. */
export function built(
  stage: Stage,
  options: Partial<TdOptions> = {},
  control: TdVmControl = {},
): Built {
  const resolved = resolveTdOptions({ ...SMALL, ...options });
  const host = SimulatedHost.boot(resolved);
  return { host, td: buildOn(host, "a", stage, resolved, control) };
}

/** Another TD on a host, built up to `stage`. */
export function buildOn(
  host: SimulatedHost,
  name: string,
  stage: Stage,
  options: Partial<TdOptions> = SMALL,
  control: TdVmControl = {},
): TdVm {
  const td = checked(host, TdVm.create(host, name, options, control));
  const { memoryBytes, vcpus } = resolveTdOptions(options);
  const to = STAGES.indexOf(stage);
  const steps = [
    () => [],
    () => [td.initVm()],
    () =>
      Array.from({ length: vcpus }, (_, i) => i).flatMap((i) => [td.createVcpu(), td.initVcpu(i)]),
    () => [td.initMemRegion(IMAGE)],
    () => [td.finalizeVm()],
    () => [td.touch({ offset: 0, bytes: memoryBytes })],
  ];
  for (const step of steps.slice(0, to + 1)) {
    for (const answer of step()) expect(answer).toMatchObject({ ok: true });
  }
  return td;
}

/**
 * The host has nothing of a TD left: module, HKIDs and host pages are as when it was booted (I-13).
 * Only the owner stays readable in the PAMT entry of a page that was freed (ABI 3.3).
 */
export function expectPristine(host: SimulatedHost): void {
  const fresh = SimulatedHost.on(host.platform);
  const { pages, hkidsUsed } = host.snapshot();
  const { pamt, ...module } = moduleToJSON(host.module);
  expect({ ...module, pamt: moduleToJSON(fresh.module).pamt }).toEqual(moduleToJSON(fresh.module));
  expect(pages).toEqual(fresh.snapshot().pages);
  expect(hkidsUsed).toEqual([]);
  const types = host.module.pamt.tables.flatMap((table) =>
    [...table.runs()].map(({ tag }) => typeOf(tag)),
  );
  expect(types.filter((type) => type !== PT_NDA)).toEqual([]);
}
