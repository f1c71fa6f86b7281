import type { Leaf } from "../module/leaf.ts";
import type { Registers } from "../module/registers.ts";
import type { Status } from "../module/status.ts";
import { type BodyStep, callsIn, executionsBefore, type SeamcallStep } from "./body.ts";

/** Who answers SEAMCALLs: the module, or something between KVM and it. */
export interface SeamcallTarget {
  /** As `TdxModule.seamcall`. */
  seamcall(lp: number, registers: Registers, count: number): Status;
}

/** Answers some SEAMCALLs itself and hands the others to the module. */
export interface SeamcallInterposer extends SeamcallTarget {
  /** How many calls of `leaf` from the next one on it hands over for sure, by their number. */
  untouchedCalls(leaf: Leaf): number;
  /**
   * How many of `most` calls with RCX advancing by `stride` from `rcx` on it hands over for sure,
   * by their operand.
   */
  untouchedOperands(leaf: Leaf, rcx: number, stride: number, most: number): number;
}

/**
 * How many of `most` iterations of a body from `from` on can be made at once, because none of
 * their calls is one that the interposer may answer itself. At least 1: that one goes call by call.
 */
export function untouchedIterations(
  interposer: SeamcallInterposer,
  body: readonly BodyStep[],
  from: number,
  most: number,
): number {
  const steps = body.filter((step) => step.kind === "seamcall");
  let span = most;
  for (const leaf of new Set(steps.map((step) => step.leaf))) {
    const own = steps.filter((step) => step.leaf === leaf);
    span = iterationsWithin(own, from, span, interposer.untouchedCalls(leaf));
  }
  for (const step of steps) {
    span = Math.min(span, untouchedByOperand(interposer, step, from, span));
  }
  return Math.max(1, span);
}

/** The most iterations, of `most`, in which the steps make no more than `calls` calls together. */
function iterationsWithin(
  steps: readonly SeamcallStep[],
  from: number,
  most: number,
  calls: number,
): number {
  const made = (iterations: number): number =>
    steps.reduce((sum, step) => sum + callsIn(step, from, iterations), 0);
  if (made(most) <= calls) return most;
  let fits = 0;
  let exceeds = most;
  while (exceeds - fits > 1) {
    const middle = fits + Math.floor((exceeds - fits) / 2);
    if (made(middle) <= calls) fits = middle;
    else exceeds = middle;
  }
  return fits;
}

function untouchedByOperand(
  interposer: SeamcallInterposer,
  step: SeamcallStep,
  from: number,
  most: number,
): number {
  const before = executionsBefore(step, from);
  const wanted = callsIn(step, from, most);
  const rcx = step.rcxLow + before * step.rcxStride;
  const stride = step.times === 1 ? step.rcxStride : step.innerStride;
  if (!step.isEven) {
    // What lies between the calls of one iteration and those of the next counts as named too.
    const perIteration = step.rcxStride / stride;
    const reached = interposer.untouchedOperands(step.leaf, rcx, stride, most * perIteration);
    return Math.floor(reached / perIteration);
  }
  const untouched = interposer.untouchedOperands(step.leaf, rcx, stride, wanted);
  return untouched >= wanted ? most : iterationsWithin([step], from, most, untouched);
}
