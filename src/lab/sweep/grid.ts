import { Failure } from "../../units/failure.ts";
import { resolveTdOptions, type TdOptions } from "../td-options.ts";

/** Values that one axis of a grid takes, each a part of the TD's options. */
export type Axis = readonly Partial<TdOptions>[];

/** More points than anybody waits for. */
const POINTS_MAX = 1_000_000;

/** Every combination of some options: the last axis varies fastest. */
export class Grid {
  readonly #axes: readonly Axis[];
  readonly size: number;

  /**
   * @param axes outermost first; none of them is empty
   * @throws Failure `usage` for more than a million points
   */
  constructor(axes: readonly Axis[]) {
    this.#axes = axes;
    this.size = axes.reduce((size, axis) => size * axis.length, 1);
    if (this.size > POINTS_MAX) {
      throw new Failure("usage", `the grid has ${this.size} points, more than ${POINTS_MAX}`, {
        hint: "sweep parts of it",
      });
    }
  }

  /**
   * The TD at a point, counted from 0 in grid order.
   *
   * @throws Failure `usage` when these options do not go together
   */
  at(point: number): TdOptions {
    const given: Partial<TdOptions> = {};
    let [rest, points] = [point, this.size];
    for (const axis of this.#axes) {
      // Points for each value of the axis.
      points /= axis.length;
      Object.assign(given, axis[Math.floor(rest / points)]);
      rest %= points;
    }
    return resolveTdOptions(given);
  }
}

/** One part of a grid, for CI jobs that share it: every `of`-th point from `index` - 1 on. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** The points of a shard in grid order. */
export function* pointsOf(grid: Grid, { index, of }: Shard): Generator<number> {
  for (let point = index - 1; point < grid.size; point += of) yield point;
}
