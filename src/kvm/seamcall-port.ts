import type { Leaf } from "../module/leaf.ts";
import type { TdxModule } from "../module/module.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../module/registers.ts";
import { type Status, SUCCESS } from "../module/status.ts";
import {
  type BodyStep,
  executionsBefore,
  isDue,
  type SeamcallPlan,
  type SeamcallStep,
  takes,
} from "./body.ts";
import type { BodyFailure, BodyProgress } from "./body-progress.ts";
import { KvmLivelock, SPIN_LIMIT } from "./livelock.ts";
import type { SeamcallInterposer, SeamcallTarget } from "./seamcall-interposer.ts";
import { untouchedIterations } from "./seamcall-interposer.ts";
import type { HostWorkKind, SeamcallObserver } from "./seamcall-observer.ts";
import { matches } from "./status-patterns.ts";

export type { HostWorkKind, SeamcallObserver };

export interface PortOptions {
  /** Most iterations of a body executed at once; 1 makes every SEAMCALL on its own. */
  readonly spanLimit?: number;
  /** SEAMCALLs, or spans of them, between two yields to the driver; 1 yields after every call. */
  readonly callsPerTurn?: number;
  /** Stands between KVM and the module, to make calls fail. */
  readonly interposer?: SeamcallInterposer;
}

/** SEAMCALLs between two yields to the driver in call-by-call execution. */
const CALLS_PER_TURN = 200_000;
/** Iterations made one by one before the counts are told and the clock of the driver looked at. */
const ITERATIONS_PER_LOOK = 4096;
/** Operands of a single SEAMCALL, and what KVM does about its status. */
export type Operands = Omit<SeamcallPlan, "leaf" | "lp">;

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
  readonly #callsPerTurn: number;
  readonly #interposer: SeamcallInterposer | null;
  readonly #target: SeamcallTarget;
  #callsInChunk = 0;
  /** Iterations of the current body that are done: for progress. */
  bodyDone = 0;

  constructor(module: TdxModule, observer: SeamcallObserver, options: PortOptions = {}) {
    this.module = module;
    this.observer = observer;
    this.#spanLimit = options.spanLimit ?? Number.POSITIVE_INFINITY;
    this.#callsPerTurn = options.callsPerTurn ?? CALLS_PER_TURN;
    this.#interposer = options.interposer ?? null;
    this.#target = this.#interposer ?? module;
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

  /**
   * Executes `body` up to `count` times; yields between chunks so that the driver can act. The
   * caller books what `progress` says in a `finally`: a driver that stops does not come back.
   */
  *run(body: readonly BodyStep[], count: number, progress: BodyProgress): Generator<void, void> {
    const succeeded = new Float64Array(body.length);
    while (progress.done < count && progress.failure === null) {
      if (this.#callsPerTurn === 1 || progress.step > 0 || progress.time > 0) {
        yield* this.#runWatched(body, progress);
        yield* this.pause();
        continue;
      }
      const from = progress.done;
      const span = this.#uniformIterations(body, from, count - from);
      if (span > 1) {
        this.#runSpan(body, from, span);
        progress.done = from + span;
      } else {
        const until =
          this.#spanLimit === 1 ? Math.min(count, from + ITERATIONS_PER_LOOK) : from + 1;
        try {
          this.#runSingly(body, until, progress, succeeded);
        } finally {
          this.#tell(body, succeeded);
        }
      }
      this.bodyDone = progress.done;
      yield* this.pause();
    }
    this.bodyDone = 0;
  }

  /** Gives way to the driver when it is its turn; between any two SEAMCALLs KVM may do that. */
  *pause(): Generator<void, void> {
    if (this.#callsInChunk < this.#callsPerTurn) return;
    this.#callsInChunk = 0;
    yield;
  }

  /** The rest of one iteration, the place after each call noted, with a pause there. */
  *#runWatched(body: readonly BodyStep[], progress: BodyProgress): Generator<void, void> {
    const iteration = progress.done;
    for (let i = progress.step; i < body.length; i++) {
      const step = body[i] as BodyStep;
      if (step.kind === "host") this.observer.hostWork(step.work, step.times);
      else if (step.kind === "guest") step.run(iteration, 1);
      else if (isDue(step, iteration)) {
        const execution = executionsBefore(step, iteration);
        for (let time = progress.time; time < step.times; time++) {
          const status = this.#callWithRetries(step, execution, time);
          if (status !== SUCCESS && !matches(step.accept, status)) {
            progress.failure = { step: i, leaf: step.leaf, status };
            return;
          }
          if (time + 1 < step.times) progress.stand(i, time + 1);
          else progress.stand(i + 1, 0);
          if (progress.isKept) yield* this.pause();
        }
      }
      progress.stand(i + 1, 0);
    }
    progress.complete();
  }

  #runSingly(
    body: readonly BodyStep[],
    until: number,
    progress: BodyProgress,
    succeeded: Float64Array,
  ): void {
    for (let done = progress.done; done < until; done++) {
      progress.done = done;
      const failure = this.#runOne(body, progress, succeeded);
      if (failure !== null) {
        progress.failure = failure;
        return;
      }
    }
    progress.done = until;
  }

  /** Tells the observer of the successes that were counted one by one since the last time. */
  #tell(body: readonly BodyStep[], succeeded: Float64Array): void {
    for (let i = 0; i < body.length; i++) {
      const count = succeeded[i] as number;
      if (count === 0) continue;
      succeeded[i] = 0;
      const step = body[i] as BodyStep;
      if (step.kind === "host") this.observer.hostWork(step.work, count);
      else if (step.kind === "seamcall") this.#observe(step, SUCCESS, count);
    }
  }

  #uniformIterations(body: readonly BodyStep[], from: number, most: number): number {
    let span = Math.min(most, this.#spanLimit);
    for (const step of body) {
      if (span === 1) return 1;
      if (step.kind !== "seamcall") continue;
      span = Math.min(span, this.#reach(step, from, span));
    }
    if (span > 1 && this.#interposer !== null) {
      return untouchedIterations(this.#interposer, body, from, span);
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
        const status = this.#target.seamcall(step.lp, this.registers, calls);
        if (status !== SUCCESS && !step.accept.includes(status.name)) {
          throw new Error(`${step.leaf.name} ended a uniform span with ${status.text}`);
        }
        this.#observe(step, status, calls);
      }
    }
    this.#callsInChunk++;
  }

  /** One iteration, call by call; successes are counted in `succeeded`, anything else is told. */
  #runOne(
    body: readonly BodyStep[],
    progress: BodyProgress,
    succeeded: Float64Array,
  ): BodyFailure | null {
    const iteration = progress.done;
    for (let i = 0; i < body.length; i++) {
      const step = body[i] as BodyStep;
      if (step.kind === "host") succeeded[i] = (succeeded[i] as number) + step.times;
      else if (step.kind === "guest") step.run(iteration, 1);
      else if (isDue(step, iteration)) {
        const execution = step.every === 1 ? iteration : executionsBefore(step, iteration);
        for (let time = 0; time < step.times; time++) {
          this.#load(step, execution, time);
          let status = this.#target.seamcall(step.lp, this.registers, 1);
          if (status !== SUCCESS) {
            progress.stand(i, time);
            status = this.#retry(step, execution, time, status);
            progress.stand(0, 0);
            if (status !== SUCCESS && !matches(step.accept, status)) {
              return { step: i, leaf: step.leaf, status };
            }
          } else succeeded[i] = (succeeded[i] as number) + 1;
        }
      }
    }
    return null;
  }

  #callWithRetries(step: SeamcallStep, execution: number, time: number): Status {
    this.#load(step, execution, time);
    const status = this.#target.seamcall(step.lp, this.registers, 1);
    if (status !== SUCCESS) return this.#retry(step, execution, time, status);
    this.#observe(step, status, 1);
    return status;
  }

  /**
   * A call failed: it is told, and made again as the kernel does. The last status, told as well.
   *
   * @throws KvmLivelock when the kernel would go on for ever
   */
  #retry(step: SeamcallStep, execution: number, time: number, first: Status): Status {
    let status = first;
    this.#observe(step, status, 1);
    const tries = Math.min(step.tries, SPIN_LIMIT);
    for (let made = 1; made < tries && matches(step.retryOn, status); made++) {
      step.beforeRetry?.();
      this.#load(step, execution, time);
      status = this.#target.seamcall(step.lp, this.registers, 1);
      this.#observe(step, status, 1);
    }
    if (step.tries > SPIN_LIMIT && matches(step.retryOn, status)) {
      throw new KvmLivelock(step.leaf, status);
    }
    return status;
  }

  #observe(step: SeamcallStep, status: Status, count: number): void {
    const { leaf } = step;
    this.#callsInChunk += this.#spanLimit === 1 ? count : 1;
    this.observer.seamcalls(leaf.number, leaf.name, status.text, count, step.pageSize, step.lp);
  }

  #load(step: SeamcallStep, execution: number, time: number): void {
    const { low, high } = this.registers;
    low[RAX] = step.leaf.number;
    high[RAX] = 0;
    low[RCX] = step.rcxLow + execution * step.rcxStride + time * step.innerStride;
    high[RCX] = step.rcxHigh;
    low[RDX] = step.rdxLow;
    high[RDX] = step.rdxHigh;
    // Leaves without operands there do not look at them.
    if (!step.usesR8) return;
    low[R8] = step.r8Low + execution * step.r8Stride;
    high[R8] = step.r8High;
    low[R9] = step.r9Low;
    high[R9] = step.r9High;
  }
}
