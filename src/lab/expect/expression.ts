/**
 * Expectations as parsed: one comparison of two sums.
 *
 *     hint.seamcalls.total < runtime.seamcalls.total / 3.9
 *     hint@v6.16.seamcalls.byLeaf["TDH.MEM.TRACK"] == 0
 */
import { Failure } from "../../units/failure.ts";

export type Value = number | boolean | string;

export const COMPARISONS = ["<=", ">=", "==", "!=", "<", ">"] as const;
export type ComparisonOperator = (typeof COMPARISONS)[number];
export type ArithmeticOperator = "+" | "-" | "*" | "/";

/** A name in an expectation and where it stands, counted from 0. */
export interface Named {
  readonly name: string;
  readonly at: number;
}

export interface PathExpression {
  readonly kind: "path";
  readonly strategy: Named;
  /** Kernel generation, where it is named. */
  readonly kernel: Named | null;
  /** Keys below the strategy's entry of the result. */
  readonly keys: readonly Named[];
}

export type Expression =
  | { readonly kind: "literal"; readonly value: Value; readonly text: string }
  | PathExpression
  | { readonly kind: "negation"; readonly of: Expression; readonly at: number }
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    };

export interface Comparison {
  /** As it was written. */
  readonly text: string;
  readonly operator: ComparisonOperator;
  readonly at: number;
  readonly left: Expression;
  readonly right: Expression;
}

/** An expectation that says nothing that can be checked; columns count from 1. */
export function unclear(text: string, at: number, what: string, hint?: string): Failure {
  const place = `expectation ${JSON.stringify(text)}, column ${at + 1}: ${what}`;
  return new Failure("usage", place, { hint: hint ?? "tdx-sim help expectations" });
}
