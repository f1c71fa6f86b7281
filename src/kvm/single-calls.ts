import {
  type BodyStep,
  executionsBefore,
  type GuestStep,
  type HostStep,
  type SeamcallStep,
} from "./body.ts";
import type { BodyProgress } from "./body-progress.ts";

/**
 * A body on its way call by call. How many calls succeeded follows from how far it came; only a
 * call that did not succeed is noted, so that the others cost no counting.
 */
export class SingleCalls {
  readonly body: readonly BodyStep[];
  /** What there is to do in an iteration: the host's own work is only counted. */
  readonly steps: readonly (SeamcallStep | GuestStep)[];
  /** By step of the body: calls that how far it came accounts for, but the observer knows of. */
  readonly #told: Float64Array;

  constructor(body: readonly BodyStep[]) {
    this.body = body;
    this.steps = body.filter((step) => step.kind !== "host");
    this.#told = new Float64Array(body.length);
  }

  /** The observer was told of a call of step `index`; KVM goes on as if it had succeeded. */
  note(index: number): void {
    this.#told[index] = (this.#told[index] as number) + 1;
  }

  /**
   * Calls, or units of the host's work, of step `index` that the observer is still to be told of:
   * from the start of iteration `from` up to where the body stands.
   */
  untold(index: number, from: number, { done, step, time }: BodyProgress): number {
    const own = this.body[index] as SeamcallStep | HostStep;
    const to = index < step ? done + 1 : done;
    if (own.kind === "host") return (to - from) * own.times;
    const executions = executionsBefore(own, to) - executionsBefore(own, from);
    const told = this.#told[index] as number;
    this.#told[index] = 0;
    return executions * own.times + (index === step ? time : 0) - told;
  }
}
