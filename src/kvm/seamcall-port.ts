import type { TdxModule } from "../module/module.ts";
import { Registers } from "../module/registers.ts";
import { type Status, SUCCESS } from "../module/status.ts";
import {
  type BodyStep,
  callsIn,
  executionAt,
  executionsBefore,
  type GuestStep,
  lpAt,
  movesOn,
  type SeamcallPlan,
  type SeamcallStep,
  takes,
} from "./body.ts";
import type { BodyProgress } from "./body-progress.ts";
import { KvmLivelock, SPIN_LIMIT } from "./livelock.ts";
import type { SeamcallInterposer, SeamcallTarget } from "./seamcall-interposer.ts";
import { untouchedIterations } from "./seamcall-interposer.ts";
import type { HostWorkKind, SeamcallObserver } from "./seamcall-observer.ts";
import { SingleCalls } from "./single-calls.ts";
import { tellSpan } from "./span-telling.ts";
import { matches } from "./status-patterns.ts";
import { loadAt, loadOperands } from "./step-operands.ts";
import { uniformReach } from "./uniform-reach.ts";

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
/** Every call loads its operands anew, and answers are read at once: ports share the registers. */
const REGISTERS = new Registers();
/** Iterations made one by one before the counts are told and the clock of the driver looked at. */
const ITERATIONS_PER_LOOK = 4096;

/**
 * The only way from KVM into the module. KVM hands over a body (the steps for one page) and a
 * count; the port executes as many iterations at once as all handlers find uniform, and the rest
 * call by call through the same handlers. Counts and order seen by the observer are those of single calls.
 */
export class SeamcallPort {
  readonly module: TdxModule;
  readonly observer: SeamcallObserver;
  readonly registers = REGISTERS;
  private readonly spanLimit: number;
  private readonly callsPerTurn: number;
  private readonly interposer: SeamcallInterposer | null;
  private readonly target: SeamcallTarget;
  private callsInChunk = 0;
  /** Iterations of the current body that are done: for progress. */
  bodyDone = 0;

  constructor(module: TdxModule, observer: SeamcallObserver, options: PortOptions = {}) {
    this.module = module;
    this.observer = observer;
    this.spanLimit = options.spanLimit ?? Number.POSITIVE_INFINITY;
    this.callsPerTurn = options.callsPerTurn ?? CALLS_PER_TURN;
    this.interposer = options.interposer ?? null;
    this.target = this.interposer ?? module;
  }

  /** One SEAMCALL with its retries; the status of the last try. */
  call(plan: SeamcallPlan): Status {
    return this.callWithRetries(takes(plan), 0, 0);
  }

  /**
   * Executes `body` up to `count` times; yields between chunks so that the driver can act. The
   * caller books what `progress` says in a `finally`: a driver that stops does not come back.
   */
  *run(body: readonly BodyStep[], count: number, progress: BodyProgress): Generator<void, void> {
    let singles: SingleCalls | null = null;
    const isMoving = movesOn(body);
    const mostSingly = Math.min(ITERATIONS_PER_LOOK, this.callsPerTurn);
    let most = this.spanLimit === 1 ? mostSingly : 1;
    while (progress.done < count && progress.failure === null) {
      const isWatched = this.callsPerTurn === 1 || progress.step > 0 || progress.time > 0;
      const from = progress.done;
      const span = isWatched ? 1 : this.uniformIterations(body, from, count - from);
      if (span > 1) {
        this.runSpan(body, from, span);
        progress.done = from + span;
        most = 1;
      } else if (isWatched || isMoving) yield* this.runWatched(body, progress);
      else {
        singles ??= new SingleCalls(body);
        try {
          this.runSingly(singles, Math.min(count, from + most), progress);
        } finally {
          this.tell(singles, from, progress);
        }
        progress.stand(0, 0);
        // The longer nothing is uniform, the less often that is asked.
        most = Math.min(mostSingly, most * 2);
      }
      this.bodyDone = progress.done;
      if (this.callsInChunk >= this.callsPerTurn) yield* this.pause();
    }
    this.bodyDone = 0;
  }

  /** Gives way to the driver when it is its turn; between any two SEAMCALLs KVM may do that. */
  *pause(): Generator<void, void> {
    if (this.callsInChunk < this.callsPerTurn) return;
    this.callsInChunk = 0;
    yield;
  }

  /** The rest of one iteration, the place after each call noted, with a pause there. */
  private *runWatched(body: readonly BodyStep[], progress: BodyProgress): Generator<void, void> {
    const iteration = progress.done;
    for (let i = progress.step; i < body.length; i++) {
      const step = body[i] as BodyStep;
      if (step.kind === "host") this.observer.hostWork(step.work, step.times);
      else if (step.kind === "guest") step.run(iteration, 1);
      else {
        const execution = executionAt(step, iteration);
        const times = execution < 0 ? 0 : step.times;
        for (let time = progress.time; time < times; time++) {
          const status = this.callWithRetries(step, execution, time);
          if (status !== SUCCESS) {
            progress.failure = { step: i, time, leaf: step.leaf, status };
            return;
          }
          if (time + 1 < times) progress.stand(i, time + 1);
          else progress.stand(i + 1, 0);
          if (progress.isKept) yield* this.pause();
        }
      }
      progress.stand(i + 1, 0);
    }
    progress.complete();
  }

  /** Iterations up to `until`, call by call; `progress` stands where a call failed for good. */
  private runSingly(singles: SingleCalls, until: number, progress: BodyProgress): void {
    const { steps } = singles;
    let iteration = progress.done;
    try {
      for (; iteration < until; iteration++) {
        for (let i = 0; i < steps.length; i++) {
          const step = steps[i] as SeamcallStep | GuestStep;
          if (step.kind === "guest") step.run(iteration, 1);
          else if (!this.execute(singles, step, iteration, progress)) return;
        }
      }
    } finally {
      progress.done = iteration;
    }
  }

  /** The calls of one step in one iteration; false when one failed and KVM gives up. */
  private execute(
    singles: SingleCalls,
    step: SeamcallStep,
    iteration: number,
    progress: BodyProgress,
  ): boolean {
    const execution = executionAt(step, iteration);
    if (execution < 0 || (step.times > 1 && this.executeAtOnce(step, execution))) return true;
    let time = 0;
    let rcx = step.rcxLow + execution * step.rcxStride;
    do {
      loadAt(this.registers, step, execution, rcx);
      const status = this.target.seamcall(step.lp, this.registers, 1);
      if (status !== SUCCESS) {
        progress.stand(singles.body.indexOf(step), time);
        if (!this.goesOn(step, execution, progress, status)) return false;
        singles.note(progress.step);
        progress.stand(0, 0);
      }
      rcx += step.innerStride;
      time++;
    } while (time < step.times);
    return true;
  }

  /** All calls of one execution as a span, where they are uniform; else false. */
  private executeAtOnce(step: SeamcallStep, execution: number): boolean {
    const { leaf, times } = step;
    if (this.spanLimit < times || this.interposer !== null || leaf.reach === undefined)
      return false;
    loadOperands(this.registers, step, execution, 0);
    if (leaf.reach(this.module, this.registers, times, step.span) < times) return false;
    this.registers.span = step.span;
    checkSpan(step, this.target.seamcall(step.lp, this.registers, times));
    return true;
  }

  /** After a call that did not succeed at once: whether KVM goes on when its retries are over. */
  private goesOn(
    step: SeamcallStep,
    execution: number,
    progress: BodyProgress,
    first: Status,
  ): boolean {
    const status = this.retry(step, execution, progress.time, first);
    if (status === SUCCESS) return true;
    progress.failure = { step: progress.step, time: progress.time, leaf: step.leaf, status };
    return false;
  }

  /** Tells the observer what was done since iteration `from` and not told one by one. */
  private tell(singles: SingleCalls, from: number, progress: BodyProgress): void {
    for (const [i, step] of singles.body.entries()) {
      if (step.kind === "guest") continue;
      const count = singles.untold(i, from, progress);
      if (count === 0) continue;
      if (step.kind === "host") this.observer.hostWork(step.work, count);
      else this.observe(step, SUCCESS, count);
      // They were made one by one, and took their time.
      if (step.kind !== "host") this.callsInChunk += count;
    }
  }

  private uniformIterations(body: readonly BodyStep[], from: number, most: number): number {
    let span = Math.min(most, this.spanLimit);
    for (const step of body) {
      if (span === 1) return 1;
      if (step.kind !== "seamcall") continue;
      span = Math.min(span, uniformReach(this.module, this.registers, step, from, span));
    }
    if (span > 1 && this.interposer !== null) {
      return untouchedIterations(this.interposer, body, from, span);
    }
    return span;
  }

  private runSpan(body: readonly BodyStep[], from: number, span: number): void {
    for (const step of body) {
      if (step.kind === "guest") step.run(from, span);
      if (step.kind !== "seamcall") continue;
      const calls = callsIn(step, from, span);
      if (calls === 0) continue;
      const before = executionsBefore(step, from);
      loadOperands(this.registers, step, before, 0);
      this.registers.span = step.span;
      checkSpan(step, this.target.seamcall(lpAt(step, before), this.registers, calls));
    }
    this.callsInChunk += 1 + tellSpan(this.observer, body, from, span);
  }

  private callWithRetries(step: SeamcallStep, execution: number, time: number): Status {
    loadOperands(this.registers, step, execution, time);
    const status = this.target.seamcall(lpAt(step, execution), this.registers, 1);
    return this.retry(step, execution, time, status);
  }

  /**
   * A call was made: it is told, and made again as the kernel does where it failed. The last status,
   * told as well.
   *
   * @throws KvmLivelock when the kernel would go on for ever
   */
  private retry(step: SeamcallStep, execution: number, time: number, first: Status): Status {
    let status = first;
    this.observe(step, status, 1, execution);
    if (status === SUCCESS) return status;
    const { retryOn = [], tries = 1, beforeRetry } = step.retries;
    const most = Math.min(tries, SPIN_LIMIT);
    for (let made = 1; made < most && matches(retryOn, status); made++) {
      beforeRetry?.();
      loadOperands(this.registers, step, execution, time);
      status = this.target.seamcall(lpAt(step, execution), this.registers, 1);
      this.observe(step, status, 1, execution);
    }
    if (tries > SPIN_LIMIT && matches(retryOn, status)) {
      throw new KvmLivelock(step.leaf, status);
    }
    return status;
  }

  private observe(step: SeamcallStep, status: Status, count: number, execution = 0): void {
    const { leaf } = step;
    const lp = lpAt(step, execution);
    this.callsInChunk += 1;
    this.observer.seamcalls(leaf.number, leaf.name, status.text, count, step.pageSize, lp);
  }
}

/** On a uniform span nothing can fail half-way; where it does, `reach` of the leaf is wrong. */
function checkSpan({ leaf }: SeamcallStep, status: Status): void {
  if (status !== SUCCESS) throw new Error(`${leaf.name} ended a uniform span with ${status.text}`);
}
