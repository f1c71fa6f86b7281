import type { Leaf, Span } from "../module/leaf.ts";
import type { HostWorkKind } from "./seamcall-port.ts";

/** How KVM repeats a SEAMCALL that failed; what is left out is none, one call in all, nothing. */
export interface Retries {
  /** Statuses (with or without operand) after which KVM calls again, `tries` calls at most. */
  readonly retryOn?: readonly string[];
  readonly tries?: number;
  /** Done before each of these further calls. */
  readonly beforeRetry?: () => void;
}

/** What KVM gives for one SEAMCALL of a body; what is left out is 0, once per iteration, final. */
export interface SeamcallPlan {
  readonly leaf: Leaf;
  readonly lp: number;
  readonly rcx?: number | bigint;
  readonly rdx?: number | bigint;
  readonly r8?: number | bigint;
  readonly r9?: number | bigint;
  /** Bytes RCX, RDX and R8 advance from one execution to the next. */
  readonly rcxStride?: number;
  readonly rdxStride?: number;
  readonly r8Stride?: number;
  /** Calls per execution, RCX advancing by `innerStride` between them. */
  readonly times?: number;
  readonly innerStride?: number;
  /**
   * Executed on the first iteration and then where `offset` + iteration is a multiple of `every`:
   * once for each table, where the iterations are its pages. `offset` is below `every`.
   */
  readonly every?: number;
  readonly offset?: number;
  /** Secure EPT levels (bit mask) whose missing tables this body adds before this step. */
  readonly addedLevels?: number;
  /** LPs from the one of an execution to that of the next. */
  readonly lpStride?: number;
  /** This body creates the vCPU that the call names before this step. */
  readonly isOfNewVcpu?: boolean;
  readonly retries?: Retries;
  readonly pageSize?: number;
}

/** A plan with everything filled in, one shape for all: the port's inner loop depends on it. */
export interface SeamcallStep {
  readonly kind: "seamcall";
  readonly leaf: Leaf;
  readonly lp: number;
  readonly lpStride: number;
  /** Leaf number, version 0: RAX. */
  readonly rax: number;
  /** Bits 51:0 of the operands, and bits 63:52. */
  readonly rcxLow: number;
  readonly rdxLow: number;
  readonly r8Low: number;
  readonly r9Low: number;
  readonly rcxHigh: number;
  readonly rdxHigh: number;
  readonly r8High: number;
  readonly r9High: number;
  /** Has operands in R8 or R9, bits above 51 in any, or an RDX that advances: most have not. */
  readonly hasMore: boolean;
  readonly rcxStride: number;
  readonly rdxStride: number;
  readonly r8Stride: number;
  readonly times: number;
  readonly innerStride: number;
  readonly every: number;
  readonly offset: number;
  /** Not due in every iteration. */
  readonly isSparse: boolean;
  readonly retries: Retries;
  readonly pageSize: number;
  /** Calls of one execution and of the next follow each other at one stride. */
  readonly isEven: boolean;
  readonly span: Span;
}

/** Work of the host itself, `times` units an iteration. */
export interface HostStep {
  readonly kind: "host";
  readonly work: HostWorkKind;
  readonly times: number;
}

/** What the guest does between two entries; `run` takes the first iteration and how many. */
export interface GuestStep {
  readonly kind: "guest";
  run(iteration: number, count: number): void;
}

export type BodyStep = SeamcallStep | HostStep | GuestStep;

const FINAL: Retries = {};

function low(value: number | bigint): number {
  return typeof value === "number" ? value : Number(BigInt.asUintN(52, value));
}

function high(value: number | bigint): number {
  return typeof value === "number" ? 0 : Number(BigInt.asUintN(64, value) >> 52n);
}

/** Fills in a plan. */
export function takes(plan: SeamcallPlan): SeamcallStep {
  const { leaf, lp, rcx = 0, rdx = 0, r8 = 0, r9 = 0, times = 1, rcxStride = 0 } = plan;
  const { r8Stride = 0, innerStride = 0, every = 1, offset = 0, addedLevels = 0 } = plan;
  const { rdxStride = 0, lpStride = 0, isOfNewVcpu = false, retries = FINAL } = plan;
  const usesR8 = plan.r8 !== undefined || plan.r9 !== undefined;
  return {
    kind: "seamcall",
    leaf,
    lp,
    lpStride,
    rax: leaf.number,
    rcxLow: low(rcx),
    rdxLow: low(rdx),
    r8Low: low(r8),
    r9Low: low(r9),
    rcxHigh: high(rcx),
    rdxHigh: high(rdx),
    r8High: high(r8),
    r9High: high(r9),
    hasMore: usesR8 || high(rcx) !== 0 || high(rdx) !== 0 || rdxStride !== 0,
    rcxStride,
    rdxStride,
    r8Stride,
    times,
    innerStride,
    every,
    offset,
    isSparse: every !== 1,
    retries,
    pageSize: plan.pageSize ?? -1,
    isEven: times === 1 || innerStride * times === rcxStride,
    span: {
      rcxStride: times === 1 ? rcxStride : innerStride,
      rowCalls: times,
      rowStride: rcxStride,
      rdxStride,
      r8Stride,
      lpStride,
      addedLevels,
      isOfNewVcpu,
    },
  };
}

/** Whether every iteration is made on an LP of its own. */
export function movesOn(body: readonly BodyStep[]): boolean {
  return body.some((step) => step.kind === "seamcall" && step.lpStride !== 0);
}

export function hostWork(work: HostWorkKind, times: number): HostStep {
  return { kind: "host", work, times };
}

/** How often a step is executed in iterations 0 to `iteration` - 1. */
export function executionsBefore(step: SeamcallStep, iteration: number): number {
  if (step.every === 1) return iteration;
  if (iteration === 0) return 0;
  const { every, offset } = step;
  return 1 + Math.floor((offset + iteration - 1) / every);
}

/** SEAMCALLs that a step makes in `iterations` iterations from `from` on. */
export function callsIn(step: SeamcallStep, from: number, iterations: number): number {
  if (step.every === 1) return iterations * step.times;
  return (executionsBefore(step, from + iterations) - executionsBefore(step, from)) * step.times;
}

/** The LP that makes the calls of an execution. */
export function lpAt({ lp, lpStride }: SeamcallStep, execution: number): number {
  return lp + execution * lpStride;
}

/** The number of the execution that falls on an iteration, or -1 where none does. */
export function executionAt(step: SeamcallStep, iteration: number): number {
  if (!step.isSparse) return iteration;
  const isDue = iteration === 0 || (step.offset + iteration) % step.every === 0;
  return isDue ? executionsBefore(step, iteration) : -1;
}
