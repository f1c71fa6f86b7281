import type { Leaf } from "../module/leaf.ts";
import type { TdxModule } from "../module/module.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../module/registers.ts";
import { type Status, SUCCESS } from "../module/status.ts";
import { type BodyStep, executionsBefore, type SeamcallStep, takes } from "./body.ts";

/** What KVM does on the host besides SEAMCALLs. */
export type HostWorkKind = "pageClears4K" | "ipis" | "vcpuKicks";

/** Who is told of every SEAMCALL and of the host's own work: ledger, trace. */
export interface SeamcallObserver {
  /** The following calls belong to this phase or ioctl. */
  phase(name: string): void;
  /** `count` calls of a leaf ended with `status`; `pageSize` is 0, 1, 2 or -1 where there is none. */
  seamcalls(
    leafNumber: number,
    leafName: string,
    status: string,
    count: number,
    pageSize: number,
  ): void;
  hostWork(kind: HostWorkKind, count: number): void;
}

export interface PortOptions {
  /** Most iterations of a body executed at once; 1 makes every SEAMCALL on its own. */
  readonly spanLimit?: number;
}

/** Where a body stopped before its end, and why. */
export interface BodyFailure {
  readonly step: number;
  readonly leaf: Leaf;
  readonly status: Status;
}

export interface BodyResult {
  /** Iterations that were carried out whole. */
  readonly done: number;
  readonly failure: BodyFailure | null;
}

/** SEAMCALLs between two yields to the driver in call-by-call execution. */
const CALLS_PER_CHUNK = 200_000;
/** Repeating an unbounded retry this often without another outcome is a livelock. */
export const SPIN_LIMIT = 100_000;

/** Operands of a single SEAMCALL. */
export type Operands = Partial<
  Pick<SeamcallStep, "rcx" | "rdx" | "r8" | "r9" | "retryOn" | "tries" | "accept" | "pageSize">
>;

/**
 * The only way from KVM into the module. KVM hands over a body (the steps for one page) and a
 * count; the port executes as many iterations at once as all handlers find uniform, and the rest
 * call by call through the same handlers. Counts and order seen by the observer are those of single calls.
 */
export class SeamcallPort {
  readonly module: TdxModule;
  readonly observer: SeamcallObserver;
  readonly registers = new Registers();
  readonly #spanLimit: number;
  #callsInChunk = 0;
  /** Iterations of the current body that are done: for progress. */
  bodyDone = 0;

  constructor(module: TdxModule, observer: SeamcallObserver, options: PortOptions = {}) {
    this.module = module;
    this.observer = observer;
    this.#spanLimit = options.spanLimit ?? Number.POSITIVE_INFINITY;
  }

  /** One SEAMCALL with its retries; the status of the last try. */
  call(leaf: Leaf, lp: number, operands: Operands = {}): Status {
    const step = takes({ leaf, lp, ...operands });
    return this.#callWithRetries(step, 0, 0);
  }

  /** Value of a register after the last call. */
  output(register: number): bigint {
    return this.registers.get(register);
  }

  /** Executes `body` up to `count` times; yields between chunks so that the driver can act. */
  *run(body: readonly BodyStep[], count: number): Generator<void, BodyResult> {
    let done = 0;
    this.bodyDone = 0;
    while (done < count) {
      const span = this.#uniformIterations(body, done, count - done);
      if (span > 1) this.#runSpan(body, done, span);
      else {
        const failure = this.#runOne(body, done);
        if (failure !== null) {
          this.bodyDone = 0;
          return { done, failure };
        }
      }
      done += span;
      if (this.#callsInChunk > CALLS_PER_CHUNK) {
        this.#callsInChunk = 0;
        this.bodyDone = done;
        yield;
      }
    }
    this.bodyDone = 0;
    return { done, failure: null };
  }

  #uniformIterations(body: readonly BodyStep[], from: number, most: number): number {
    let span = Math.min(most, this.#spanLimit);
    for (const step of body) {
      if (span === 1) return 1;
      if (step.kind !== "seamcall") continue;
      span = Math.min(span, this.#reach(step, from, span));
    }
    return span;
  }

  /** Iterations from `from` on over which the calls of `step` are uniform. */
  #reach(step: SeamcallStep, from: number, most: number): number {
    const { leaf, times, every } = step;
    if (leaf.reach === undefined) return 1;
    const before = executionsBefore(step, from);
    const wanted = (executionsBefore(step, from + most) - before) * times;
    if (wanted === 0) return most;
    this.#load(step, before, 0);
    const reached = leaf.reach(this.module, this.registers, wanted, step.span);
    if (reached >= wanted) return most;
    const whole = Math.floor(reached / times);
    if (every === 1) return Math.max(1, whole);
    // Up to the iteration of the first execution that is not uniform with the others.
    const next = (Math.floor(step.offset / every) + before + whole) * every - step.offset;
    return Math.max(1, Math.min(most, next - from));
  }

  #runSpan(body: readonly BodyStep[], from: number, span: number): void {
    for (const step of body) {
      if (step.kind === "host") this.observer.hostWork(step.work, step.times * span);
      else if (step.kind === "guest") step.run(from, span);
      else {
        const before = executionsBefore(step, from);
        const calls = (executionsBefore(step, from + span) - before) * step.times;
        if (calls === 0) continue;
        this.#load(step, before, 0);
        const status = this.module.seamcall(step.lp, this.registers, calls);
        if (status !== SUCCESS && !step.accept.includes(status.name)) {
          throw new Error(`${step.leaf.name} ended a uniform span with ${status.text}`);
        }
        this.#observe(step, status, calls);
      }
    }
    this.#callsInChunk++;
  }

  #runOne(body: readonly BodyStep[], iteration: number): BodyFailure | null {
    for (let i = 0; i < body.length; i++) {
      const step = body[i] as BodyStep;
      if (step.kind === "seamcall") {
        if (step.every !== 1 && iteration > 0 && (step.offset + iteration) % step.every !== 0) {
          continue;
        }
        const execution = step.every === 1 ? iteration : executionsBefore(step, iteration);
        for (let time = 0; time < step.times; time++) {
          const status = this.#callWithRetries(step, execution, time);
          if (status !== SUCCESS && !isAccepted(step, status)) {
            return { step: i, leaf: step.leaf, status };
          }
        }
      } else if (step.kind === "host") this.observer.hostWork(step.work, step.times);
      else step.run(iteration, 1);
    }
    return null;
  }

  #callWithRetries(step: SeamcallStep, execution: number, time: number): Status {
    this.#load(step, execution, time);
    let status = this.module.seamcall(step.lp, this.registers);
    this.#observe(step, status, 1);
    if (status === SUCCESS || step.retryOn.length === 0) return status;
    const tries = Math.min(step.tries, SPIN_LIMIT);
    for (let made = 1; made < tries && matches(step.retryOn, status); made++) {
      this.#load(step, execution, time);
      status = this.module.seamcall(step.lp, this.registers);
      this.#observe(step, status, 1);
    }
    return status;
  }

  #observe(step: SeamcallStep, status: Status, count: number): void {
    const { leaf } = step;
    this.#callsInChunk++;
    this.observer.seamcalls(leaf.number, leaf.name, status.text, count, step.pageSize);
  }

  #load(step: SeamcallStep, execution: number, time: number): void {
    const { low, high } = this.registers;
    low[RAX] = step.leaf.number;
    high[RAX] = 0;
    low[RCX] = step.rcxLow + execution * step.rcxStride + time * step.innerStride;
    high[RCX] = step.rcxHigh;
    low[RDX] = step.rdxLow;
    high[RDX] = step.rdxHigh;
    low[R8] = step.r8Low + execution * step.r8Stride;
    high[R8] = step.r8High;
    low[R9] = step.r9Low;
    high[R9] = step.r9High;
  }
}

function matches(patterns: readonly string[], status: Status): boolean {
  return patterns.includes(status.text) || patterns.includes(status.name);
}

function isAccepted(step: SeamcallStep, status: Status): boolean {
  return matches(step.accept, status);
}
