import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { RunStopped } from "../../src/lab/drive.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { type HostSnapshot, SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd, type Session } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";

const PAGE = 4096;
const MIB_2 = 2 ** 21;
const SESSION: Session = { step: true, callsPerTurn: 1, profile: DEFAULT_PROFILE, seed: 1 };

type Work = (host: SimulatedHost, session: Session) => Promise<unknown>;

/** The host as another process would find it in the store. */
function stored(host: SimulatedHost): SimulatedHost {
  return SimulatedHost.restore(JSON.parse(JSON.stringify(host.snapshot())) as HostSnapshot);
}

/** Runs until it is asked the `turn`th time whether to stop; false when it came to its end. */
async function isStopped(work: Work, host: SimulatedHost, turn: number): Promise<boolean> {
  let asked = 0;
  const shouldStop = (): boolean => ++asked === turn;
  try {
    await work(host, { ...SESSION, shouldStop });
    return false;
  } catch (error) {
    if (error instanceof RunStopped) return true;
    throw error;
  }
}

interface Ending {
  readonly answer: unknown;
  readonly host: HostSnapshot;
}

async function ending(work: Work, host: SimulatedHost): Promise<Ending> {
  const answer = await work(host, SESSION);
  return { answer, host: host.snapshot() };
}

/**
 * Stops the work at every turn, each time on a host of its own, and lets it go on after that,
 * unless nothing was left to do.
 */
async function stopEverywhere(work: Work, before: SimulatedHost): Promise<number> {
  const whole = await ending(work, before.clone());
  for (let turn = 1; ; turn++) {
    const host = before.clone();
    if (!(await isStopped(work, host, turn))) return turn - 1;
    expect(checkInvariants(host.module), `stopped at turn ${turn}`).toEqual([]);
    if (isDeepStrictEqual(host.snapshot(), whole.host)) continue;
    expect(await ending(work, stored(host)), `stopped at turn ${turn}`).toEqual(whole);
  }
}

/** Stops the work at every turn it takes, one after the other. */
async function stopAgainAndAgain(work: Work, before: SimulatedHost): Promise<void> {
  const whole = await ending(work, before.clone());
  let host = before.clone();
  let stops = 0;
  // The last stop may come when nothing is left to do.
  while (!isDeepStrictEqual(host.snapshot(), whole.host)) {
    host = stored(host);
    if (!(await isStopped(work, host, 1))) break;
    stops++;
  }
  expect(stops).toBeGreaterThan(1);
  expect(host.snapshot()).toEqual(whole.host);
}

async function created(given: Partial<TdOptions>): Promise<SimulatedHost> {
  const options = resolveTdOptions(given);
  const host = SimulatedHost.boot(options);
  await createTd(host, "a", options, SESSION);
  return host;
}

const POPULATE: Work = (host, session) => populateTd(host, "a", { finalize: true }, session);

const SHAPES = {
  "4 KiB pages": { memoryBytes: 7 * PAGE, initialImageBytes: 3 * PAGE },
  "scattered 4 KiB pages": {
    memoryBytes: 7 * PAGE,
    initialImageBytes: 3 * PAGE,
    layout: "alternate",
  },
  "pages of two tables": { memoryBytes: MIB_2 + 2 * PAGE, populatedBytes: 0 },
} as const satisfies Readonly<Record<string, Partial<TdOptions>>>;

const FEW = ["4 KiB pages", "scattered 4 KiB pages"] as const;

describe("a run that was stopped between two SEAMCALLs goes on as if it had not been", () => {
  it.each(FEW)("populating %s", async (shape) => {
    const host = await created({ ...SHAPES[shape], vcpus: 2 });
    expect(await stopEverywhere(POPULATE, host)).toBe(7);
    await stopAgainAndAgain(POPULATE, host);
  });

  it("populating a 2 MiB page TD whose image has 4 KiB pages", async () => {
    const shape = { memoryBytes: 3 * MIB_2, initialImageBytes: MIB_2, vcpus: 1 };
    const host = await created({ ...shape, pageSize: "2M", layout: "alternate" });
    await stopAgainAndAgain(POPULATE, host);
  });

  it("populating across the end of a table", async () => {
    const host = await created({ ...SHAPES["pages of two tables"], vcpus: 1 });
    const most = { bytes: 511 * PAGE, finalize: true };
    await populateTd(host, "a", most, SESSION);
    const rest: Work = (at, session) =>
      populateTd(at, "a", { bytes: MIB_2 + 2 * PAGE, finalize: true }, session);
    expect(await stopEverywhere(rest, host)).toBe(3);
  });

  it("destroying a TD that was never finalised", async () => {
    const host = await created({ ...SHAPES["4 KiB pages"], vcpus: 1 });
    await populateTd(host, "a", { finalize: false }, SESSION);
    for (const strategy of ["runtime", "hint"]) {
      const destroy: Work = (at, session) => destroyTd(at, "a", { strategy }, session);
      expect(await stopEverywhere(destroy, host)).toBeGreaterThan(10);
    }
  });
});
