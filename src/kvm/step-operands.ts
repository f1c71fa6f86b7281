import { R8, R9, RAX, RCX, RDX, type Registers } from "../module/registers.ts";
import type { SeamcallStep } from "./body.ts";

/** Puts the operands of one call of a step into the registers. */
export function loadOperands(
  registers: Registers,
  step: SeamcallStep,
  execution: number,
  time: number,
): void {
  const rcx = step.rcxLow + execution * step.rcxStride + time * step.innerStride;
  loadAt(registers, step, execution, rcx);
}

/** As `loadOperands`, with RCX worked out by the caller. */
export function loadAt(
  registers: Registers,
  step: SeamcallStep,
  execution: number,
  rcx: number,
): void {
  const { low } = registers;
  low[RAX] = step.rax;
  low[RCX] = rcx;
  low[RDX] = step.rdxLow;
  registers.wide = 0;
  if (step.hasMore) loadMore(registers, step, execution);
}

/** Operands that few calls have. */
function loadMore(registers: Registers, step: SeamcallStep, execution: number): void {
  registers.low[RDX] = step.rdxLow + execution * step.rdxStride;
  registers.low[R8] = step.r8Low + execution * step.r8Stride;
  registers.low[R9] = step.r9Low;
  registers.setHigh(RCX, step.rcxHigh);
  registers.setHigh(RDX, step.rdxHigh);
  registers.setHigh(R8, step.r8High);
  registers.setHigh(R9, step.r9High);
}
