import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { RunStopped } from "../../src/lab/drive.ts";
import { type HostSnapshot, SimulatedHost } from "../../src/lab/simulated-host.ts";
import type { Session } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";

/** Call by call, a pause between any two. */
export const SESSION: Session = { step: true, callsPerTurn: 1, profile: DEFAULT_PROFILE, seed: 1 };

export type Work = (host: SimulatedHost, session: Session) => Promise<unknown>;

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
 *
 * @param stride 1 stops at each turn, 2 at every other one
 */
export async function stopEverywhere(
  work: Work,
  before: SimulatedHost,
  stride = 1,
): Promise<number> {
  const whole = await ending(work, before.clone());
  for (let turn = 1; ; turn += stride) {
    const host = before.clone();
    if (!(await isStopped(work, host, turn))) return turn - stride;
    expect(checkInvariants(host.module), `stopped at turn ${turn}`).toEqual([]);
    if (isDeepStrictEqual(host.snapshot(), whole.host)) continue;
    expect(await ending(work, stored(host)), `stopped at turn ${turn}`).toEqual(whole);
  }
}

/** Stops the work at every turn it takes, one after the other. */
export async function stopAgainAndAgain(work: Work, before: SimulatedHost): Promise<void> {
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
