import { turn } from "../drive.ts";
import { generation, strategyOf } from "../kernels.ts";
import type { Result } from "../result.ts";
import type { TdOptions } from "../td-options.ts";
import { compareTd, type Session } from "../teardown.ts";
import { optionsWith } from "../what-if.ts";
import { type Grid, pointsOf, type Shard } from "./grid.ts";
import { GrowingTd } from "./growing-td.ts";

const POINTS_A_TURN = 8;

export interface SweepPlan {
  readonly grid: Grid;
  /** Strategies at every point; null is all that the point's kernel has. */
  readonly strategies: readonly string[] | null;
  readonly shard: Shard;
  /** Points of the shard that are done already. */
  readonly skip: number;
}

/** What came out at one point of the grid. */
export interface SweptPoint {
  readonly point: number;
  readonly result: Result;
}

/** Points of the shard, done or not. */
export function shardSize({ grid, shard }: Pick<SweepPlan, "grid" | "shard">): number {
  return Math.max(0, Math.ceil((grid.size - shard.index + 1) / shard.of));
}

/**
 * Makes sure that every point can be run, before the first is.
 *
 * @returns the kernels of the points
 * @throws Failure `usage` for options that do not go together; `refused` for a strategy that a
 *   kernel of the grid does not have
 */
export function checkPlan({ grid, strategies, shard }: SweepPlan): ReadonlySet<string> {
  const kernels = new Set<string>();
  for (const point of pointsOf(grid, shard)) kernels.add(grid.at(point).kernel);
  for (const kernel of kernels) {
    for (const strategy of strategies ?? []) strategyOf(generation(kernel), strategy);
  }
  return kernels;
}

/**
 * Makes, populates and tears down a TD at every point, in grid order.
 *
 * @throws Failure `refused` when the kernel refuses at a point; RunStopped
 */
export async function* sweep(plan: SweepPlan, session: Session): AsyncGenerator<SweptPoint, void> {
  const td = new GrowingTd();
  let index = 0;
  for (const point of pointsOf(plan.grid, plan.shard)) {
    index += 1;
    if (index <= plan.skip) continue;
    // A small TD is made and gone without giving way; signals and streams want their turn too.
    if (index % POINTS_A_TURN === 0) await turn();
    const options = optionsWith(plan.grid.at(point), session.whatIf ?? []);
    yield { point, result: await resultAt(td, options, plan.strategies, session) };
  }
}

async function resultAt(
  td: GrowingTd,
  options: TdOptions,
  named: readonly string[] | null,
  session: Session,
): Promise<Result> {
  const host = await td.become(options, session);
  const request = named === null ? {} : { strategies: named };
  const result = await compareTd(host, "td", request, session);
  return { ...result, command: "sweep", td: { ...result.td, name: null, source: "options" } };
}
