import type { TdxModule } from "../module/module.ts";
import type { Registers } from "../module/registers.ts";
import { executionsBefore, lpAt, type SeamcallStep } from "./body.ts";
import { loadOperands } from "./step-operands.ts";

/** Iterations from `from` on, at most `most`, over which the calls of a step are uniform. */
export function uniformReach(
  module: TdxModule,
  registers: Registers,
  step: SeamcallStep,
  from: number,
  most: number,
): number {
  const { leaf, times, every } = step;
  if (leaf.reach === undefined || !(step.isEven || leaf.spansRows)) return 1;
  const before = executionsBefore(step, from);
  const wanted = (executionsBefore(step, from + most) - before) * times;
  if (wanted === 0) return most;
  loadOperands(registers, step, before, 0);
  const reached = leaf.reach(module, registers, wanted, step.span, lpAt(step, before));
  const whole = Math.floor(reached / times);
  // Up to the iteration of the first execution that is not uniform with the others.
  const next = (before + whole) * every - step.offset;
  return Math.max(1, Math.min(most, next - from));
}
