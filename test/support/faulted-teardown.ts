import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { parseFault } from "../../src/lab/faults/fault-plan.ts";
import { createTd, populateTd, requireTd } from "../../src/lab/lifecycle.ts";
import type { Result } from "../../src/lab/result.ts";
import { type HostedTd, SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd, type Session } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { PageRuns } from "../../src/module/page-runs.ts";
import { PT_NDA, PT_RSVD } from "../../src/module/page-types.ts";

const NAME = "td";
const PAGES_PER_SIZE = [1, 512, 512 * 512];

export function session(more: Partial<Session> = {}): Session {
  return { step: false, profile: DEFAULT_PROFILE, seed: 1, ...more };
}

/** A host with one populated TD. */
export async function populatedHost(options: Partial<TdOptions>): Promise<SimulatedHost> {
  const td = resolveTdOptions(options);
  const host = SimulatedHost.boot(td);
  await createTd(host, NAME, td, session());
  await populateTd(host, NAME, { finalize: true }, session());
  return host;
}

export interface TornDown {
  readonly host: SimulatedHost;
  readonly td: HostedTd;
  readonly result: Result;
}

/** Tears the TD of a copy of the host down, while the faults strike. */
export async function tearDown(
  populated: SimulatedHost,
  strategy: string,
  faults: readonly string[],
  more: Partial<Session> = {},
): Promise<TornDown> {
  const host = populated.clone();
  const plans = faults.map((fault) => parseFault(fault, false));
  const run = session({ ...more, faults: { plans, seed: more.seed ?? 1 } });
  const result = await destroyTd(host, NAME, { strategy }, run);
  return { host, td: requireTd(host, NAME), result };
}

/** Finishes a teardown that stands in the middle, with nothing failing any more. */
export async function finish({ host, td }: TornDown, strategy: string): Promise<TornDown> {
  const result = await destroyTd(host, NAME, { strategy }, session());
  return { host, td, result };
}

/** Host pages that KVM holds: handed out by an arena and not given back. */
function pagesHeld(host: SimulatedHost): Set<number> {
  const { control, sept, memory, pamt } = host.snapshot().pages;
  const held = new Set<number>();
  for (const { start, next, freed } of [control, ...sept, memory, pamt.pages]) {
    for (let page = start; page < next; page++) held.add(page);
    for (let i = 0; i + 3 < freed.length; i += 4) {
      const [first = 0, length = 0] = freed.slice(i, i + 2);
      for (let page = first; page < first + length; page++) held.delete(page);
    }
  }
  return held;
}

/** PAMT pages of the regions of 2 MiB of these pages (Dynamic PAMT). */
function pamtPagesOf(host: SimulatedHost, used: readonly number[]): Set<number> {
  const regions = new Set(used.map((page) => Math.floor(page / 512)));
  const pages = new Set<number>();
  const pairs = PageRuns.fromArray(() => 2, host.snapshot().pages.pamt.pairs);
  for (const region of regions) {
    if (pairs.seek(region) === 0) continue;
    const pair = pairs.baseAt(region);
    pages.add(pair).add(pair + 1);
  }
  return pages;
}

/** Pages of 4 KiB that the module gives some use. */
function pagesInUse({ module }: SimulatedHost): Set<number> {
  const used = new Set<number>();
  for (const size of [0, 1, 2] as const) {
    const pages = PAGES_PER_SIZE[size] as number;
    for (const run of module.pamt.tables[size].runs()) {
      const type = module.pamt.type(run.start, size);
      if (type === PT_NDA || type === PT_RSVD) continue;
      for (let page = run.start * pages; page < (run.start + run.length) * pages; page++) {
        used.add(page);
      }
    }
  }
  return used;
}

/**
 * What is wrong after a teardown, nothing in a sound world: pages lost or leaked that are on no
 * list, pages given back that the module holds, HKIDs that come back wrongly. A teardown that KVM
 * can never end keeps what it did not come to.
 */
export function wrongsOf({ host, td, result }: TornDown): string[] {
  const wrongs = checkInvariants(host.module);
  const { state } = td.vm;
  const isStuck = result.strategies[0]?.end.livelock !== undefined;
  const held = pagesHeld(host);
  const leaked = new Set<number>();
  for (const { pfn, pages } of state.leaked) {
    for (let page = pfn; page < pfn + pages; page++) {
      if (leaked.has(page)) wrongs.push(`page ${page} is leaked twice`);
      leaked.add(page);
    }
  }
  for (const page of leaked)
    if (!held.has(page)) wrongs.push(`leaked page ${page} is in use again`);
  const used = pagesInUse(host);
  // A leaked page is never put back, so its region keeps its PAMT pages.
  const pamtPages = pamtPagesOf(host, [...used, ...leaked]);
  for (const page of held) {
    if (leaked.has(page) || pamtPages.has(page) || isStuck) continue;
    wrongs.push(`page ${page} is lost, not leaked`);
  }
  for (const page of used) {
    if (!held.has(page)) wrongs.push(`page ${page} came back, and the module holds it`);
  }
  const { hkidsUsed } = host.snapshot();
  const kept = state.hkid === null ? [] : [state.hkid];
  if (hkidsUsed.join() !== kept.join()) {
    wrongs.push(`HKIDs ${hkidsUsed} are in use, ${kept} are held`);
  }
  if (!isStuck && kept.join() !== state.leakedHkids.join()) {
    wrongs.push(`HKIDs ${kept} are held, ${state.leakedHkids} are leaked`);
  }
  if (host.module.runningVcpus > 0) wrongs.push("a vCPU still runs");
  return wrongs;
}
