import type { Judge } from "./checked-module.ts";
import type { FaultPlan } from "./faults/fault-plan.ts";

/** What a caller of the lab decides about a run. */
export interface RunControl {
  /** Make every SEAMCALL one by one. */
  readonly step: boolean;
  /** SEAMCALLs between two looks at `shouldStop`; 1 may stop the run between any two. */
  readonly callsPerTurn?: number | undefined;
  /** SEAMCALLs that are to fail, and the seed of their chances. */
  readonly faults?: { readonly plans: readonly FaultPlan[]; readonly seed: number };
  /** Runs every judgement of the module's state; none is made without it. */
  readonly judge?: Judge;
  /** Told between chunks how many leaves of how many are done, and in which phase. */
  readonly onProgress?: (done: number, total: number, phase: string) => void;
  /** Asked between chunks; true stops the run between two SEAMCALLs. */
  readonly shouldStop?: () => boolean;
}

/** Thrown when a run was asked to stop; the host is left as the last SEAMCALL left it. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
}

/** Lets timers, signals and streams of the process have their turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Runs KVM code to its end, chunk by chunk, giving way between them. */
export async function drive<T>(
  steps: Generator<void, T>,
  control: RunControl,
  onChunk: () => void = () => {},
): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    onChunk();
    await turn();
    if (control.shouldStop?.() === true) {
      // KVM code books what it did so far on its way out.
      steps.return(value as never);
      throw new RunStopped("the run was stopped");
    }
  }
}
