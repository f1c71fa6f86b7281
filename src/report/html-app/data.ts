/** What the page's markup gives its script: the shape that `dataOf` in html.ts writes. */
export interface EstimatedInterval {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
  readonly basis: string;
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

export interface PageData {
  readonly profile: string;
  readonly strategies: readonly StrategyData[];
}

/** The data element's content; it was written together with the script that reads it. */
export function readData(): PageData {
  const text = document.getElementById("tdx-sim-data")?.textContent ?? "";
  return JSON.parse(text) as PageData;
}
