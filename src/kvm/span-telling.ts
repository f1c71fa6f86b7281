import { SUCCESS } from "../module/status.ts";
import { type BodyStep, callsIn, executionsBefore, lpAt, movesOn } from "./body.ts";
import type { SeamcallObserver } from "./seamcall-observer.ts";

/**
 * Tells what the `span` iterations of a body from `from` on did. Where each is made on an LP of
 * its own, who heeds that is told of them one by one: which LP made which calls, and when, shows in
 * a trace. Returns how many times calls were told of.
 */
export function tellSpan(
  observer: SeamcallObserver,
  body: readonly BodyStep[],
  from: number,
  span: number,
): number {
  if (observer.heedsLps === false || !movesOn(body)) return tell(observer, body, from, span);
  let told = 0;
  for (let i = from; i < from + span; i++) told += tell(observer, body, i, 1);
  return told;
}

function tell(
  observer: SeamcallObserver,
  body: readonly BodyStep[],
  from: number,
  span: number,
): number {
  let told = 0;
  for (let i = 0; i < body.length; i++) {
    const step = body[i] as BodyStep;
    if (step.kind === "host") observer.hostWork(step.work, step.times * span);
    if (step.kind !== "seamcall") continue;
    const calls = callsIn(step, from, span);
    if (calls === 0) continue;
    const { leaf, pageSize } = step;
    const lp = lpAt(step, executionsBefore(step, from));
    observer.seamcalls(leaf.number, leaf.name, SUCCESS.text, calls, pageSize, lp);
    told++;
  }
  return told;
}
