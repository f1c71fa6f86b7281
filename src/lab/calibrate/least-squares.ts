/** The linear algebra of a fit, in units that make every column and every row comparable. */

/** A fit's problem: rows of regressors and what they should add up to, weighted already. */
export interface Problem {
  /** One row for each measurement, one column for each driver. */
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
}

/** A solution for some of the columns; the others are taken as nothing. */
export interface Solution {
  readonly columns: readonly number[];
  /** One for each of `columns`, none below 0. */
  readonly values: readonly number[];
  readonly residuals: readonly number[];
  /** How much of each row's residual the fit took up: 0 nothing, 1 all of it. */
  readonly leverages: readonly number[];
  /** `sensitivity[c][r]`: how column c's value moves with row r. */
  readonly sensitivity: readonly (readonly number[])[];
}

/** Share of a column that must be its own before it counts as another column. */
const OWN_SHARE_MIN = 1e-4;

function norm(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

function column({ x }: Problem, index: number): number[] {
  return x.map((row) => row[index] ?? 0);
}

/** Columns in their order, each unless those before it add up to it. */
export function independentColumns(problem: Problem, candidates: readonly number[]): number[] {
  const basis: number[][] = [];
  return candidates.filter((index) => {
    const original = column(problem, index);
    const length = norm(original);
    if (length === 0) return false;
    const rest = [...original];
    // Twice is enough: what rounding left in the first time goes in the second.
    for (let pass = 0; pass < 2; pass++) {
      for (const unit of basis) {
        const along = rest.reduce((sum, value, row) => sum + value * (unit[row] ?? 0), 0);
        for (const [row, value] of unit.entries()) rest[row] = (rest[row] ?? 0) - along * value;
      }
    }
    const own = norm(rest);
    if (own < OWN_SHARE_MIN * length || basis.length === problem.x.length) return false;
    basis.push(rest.map((value) => value / own));
    return true;
  });
}

interface Scaled {
  readonly lengths: readonly number[];
  /** The columns, each of length 1. */
  readonly x: readonly (readonly number[])[];
  /** Pseudo-inverse of `x`. */
  readonly inverse: readonly (readonly number[])[];
}

async function scale(problem: Problem, columns: readonly number[]): Promise<Scaled> {
  const { Matrix, inverse } = await import("ml-matrix");
  const lengths = columns.map((index) => norm(column(problem, index)));
  const x = problem.x.map((row) => columns.map((c, i) => (row[c] ?? 0) / (lengths[i] ?? 1)));
  const matrix = new Matrix(x);
  const transposed = matrix.transpose();
  return { lengths, x, inverse: inverse(transposed.mmul(matrix)).mmul(transposed).to2DArray() };
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

/** Non-negative least squares over some of the problem's columns, which must be independent. */
export async function solveNonNegative(
  problem: Problem,
  columns: readonly number[],
): Promise<Solution> {
  const { fcnnlsVector } = await import("ml-fcnnls");
  const { lengths, x, inverse } = await scale(problem, columns);
  const found = fcnnlsVector(
    x.map((row) => [...row]),
    [...problem.y],
  ).K.to1DArray();
  return {
    columns,
    values: columns.map((_, c) => Math.max(0, found[c] ?? 0) / (lengths[c] ?? 1)),
    residuals: problem.y.map((y, row) => y - dot(x[row] ?? [], found)),
    leverages: x.map((values, row) =>
      dot(
        values,
        inverse.map((each) => each[row] ?? 0),
      ),
    ),
    sensitivity: inverse.map((row, c) => row.map((value) => value / (lengths[c] ?? 1))),
  };
}

/** How much of each of `columns` adds up to the column `target`, as nearly as any sum does. */
export async function combination(
  problem: Problem,
  target: number,
  columns: readonly number[],
): Promise<number[]> {
  const { lengths, inverse } = await scale(problem, columns);
  const wanted = column(problem, target);
  return inverse.map((row, c) => dot(row, wanted) / (lengths[c] ?? 1));
}
