import type { Leaf } from "../module/leaf.ts";
import type { Status } from "../module/status.ts";

/** A place between two SEAMCALLs of one iteration: step of the body, calls of that step made. */
export interface BodyPosition {
  readonly step: number;
  readonly time: number;
}

/** Where a body stopped before its end, and why. */
export interface BodyFailure extends BodyPosition {
  readonly leaf: Leaf;
  readonly status: Status;
}

/** How far a body came; kept by its caller, who may be told to stop at any yield. */
export class BodyProgress {
  /** Iterations that were carried out whole. */
  done = 0;
  failure: BodyFailure | null = null;
  /** Where the iteration after those stands; its start unless the body was left in the middle. */
  step: number;
  time: number;

  /** Whether the caller keeps the place, so that the driver may stop in the middle. */
  readonly isKept: boolean;

  /** @param from where the first iteration goes on, from a caller that keeps the place */
  constructor(from?: BodyPosition) {
    this.isKept = from !== undefined;
    this.step = from?.step ?? 0;
    this.time = from?.time ?? 0;
  }

  /** Iterations that are over, the failed one among them. */
  get over(): number {
    return this.done + (this.failure === null ? 0 : 1);
  }

  /** Steps of the iteration after those that are done which were carried out. */
  get stepsDone(): number {
    return this.failure?.step ?? this.step;
  }

  /** Where another run of the same body goes on with the next iteration. */
  get position(): BodyPosition {
    return this.failure === null ? { step: this.step, time: this.time } : { step: 0, time: 0 };
  }

  /** The SEAMCALL `time` of step `step` is the next one. */
  stand(step: number, time: number): void {
    this.step = step;
    this.time = time;
  }

  /** The current iteration is carried out. */
  complete(): void {
    this.done++;
    this.stand(0, 0);
  }
}
