import { formatPercent } from "../../units/duration.ts";
import type { PriceFit } from "./fit.ts";
import { describeRow } from "./measurement-rows.ts";
import type { Scatter } from "./noise.ts";
import type { Observation } from "./observations.ts";

/** Scatter from which rows are said to contradict each other. */
const SCATTER_TOLD = 0.15;
/** Repetitions of one configuration this much apart are told. */
const APART = 1.25;

/** What is wrong with the rows, one sentence each; empty when nothing is. */
export function complaintsOf(observations: readonly Observation[], fit: PriceFit): string[] {
  return [
    ...fit.alone.map(
      ({ row, family }) =>
        `${row.place} is the only row of ${family}: one row cannot tell its own error, so no ` +
        "price is taken from it.",
    ),
    ...fit.contradictory.map(
      (scatter) => `${farFrom(scatter)} any one price: they contradict each other and bear none.`,
    ),
    ...fit.scatter
      .filter(({ share }) => share > SCATTER_TOLD)
      .map(
        (scatter) =>
          `${farFrom(scatter)} their fit: they contradict each other, or something that nobody ` +
          "counts takes time.",
      ),
    ...repetitionsApart(observations),
  ];
}

function farFrom({ family, rows, share }: Scatter): string {
  return `The ${rows} rows of ${family} lie ${formatPercent(share)} from`;
}

function repetitionsApart(observations: readonly Observation[]): string[] {
  const repeated = new Map<string, Observation[]>();
  for (const observation of observations) {
    const key = describeRow(observation.row);
    repeated.set(key, [...(repeated.get(key) ?? []), observation]);
  }
  return [...repeated].flatMap(([configuration, same]) => {
    const sorted = same.toSorted((a, b) => a.row.seconds - b.row.seconds);
    const [shortest, longest] = [sorted[0], sorted.at(-1)];
    if (shortest === undefined || longest === undefined) return [];
    if (longest.row.seconds < APART * shortest.row.seconds) return [];
    return [
      `${shortest.row.place} and ${longest.row.place} are the same (${configuration}), but ` +
        `${shortest.row.seconds} s and ${longest.row.seconds} s.`,
    ];
  });
}
