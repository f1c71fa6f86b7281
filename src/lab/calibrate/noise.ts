import type { Solution } from "./least-squares.ts";

/** How far rows of one family lie from their fit, in shares of the measured time. */
export interface Scatter {
  readonly family: string;
  readonly rows: number;
  /** Rows less the parameters that they determined: what is left to judge the fit by. */
  readonly spare: number;
  /** Root mean square per spare row. */
  readonly share: number;
  /** What it may really be: few rows may lie close together by luck. */
  readonly shareMax: number;
}

/** No teardown repeats better than this: rows that agree more closely do so by luck. */
export const REPEATABILITY = 0.01;
/** With this probability the rows scatter less than they really would. */
const LUCK = "0.9";
/** The scatter of each family of rows around a solution. */
export async function scatterOf(
  families: readonly string[],
  { residuals, leverages }: Pick<Solution, "residuals" | "leverages">,
): Promise<Scatter[]> {
  const { chiSquaredDistributionTable: table } = await import("simple-statistics");
  const quantiles = Object.entries(table).map(([freedom, row]) => [Number(freedom), row[LUCK]]);
  return [...new Set(families)].map((family) => {
    let squares = 0;
    let spare = 0;
    let rows = 0;
    for (const [row, name] of families.entries()) {
      if (name !== family) continue;
      squares += (residuals[row] ?? 0) ** 2;
      spare += 1 - (leverages[row] ?? 0);
      rows += 1;
    }
    const share = Math.max(Math.sqrt(squares / Math.max(spare, 1e-9)), REPEATABILITY);
    const [freedom = 1, quantile = 1] =
      quantiles.findLast(([tabled]) => (tabled ?? 0) <= Math.max(1, Math.round(spare))) ?? [];
    return { family, rows, spare, share, shareMax: share * Math.sqrt(freedom / quantile) };
  });
}
