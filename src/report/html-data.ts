import type { EstimatedInterval } from "../lab/result.ts";

/** What the markup of a page gives its script. */
export interface PageData {
  readonly profile: string;
  readonly strategies: readonly StrategyData[];
}

export interface StrategyData {
  readonly name: string;
  readonly seamcalls: number;
  /** ABI leaf name to number of calls. */
  readonly leaves: Readonly<Record<string, number>>;
  readonly elapsedNs: EstimatedInterval;
  readonly phases: readonly {
    readonly phase: string;
    readonly seamcalls: number;
    readonly elapsedNs: EstimatedInterval;
  }[];
}
