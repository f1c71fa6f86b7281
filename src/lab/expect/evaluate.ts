import { didYouMean } from "../../units/nearest.ts";
import { type Entry, isCountable, leafNames } from "./entry.ts";
import {
  type Comparison,
  type Expression,
  type Named,
  type PathExpression,
  unclear,
  type Value,
} from "./expression.ts";

/** A comparison with its values put in. */
export interface Evaluation {
  readonly passed: boolean;
  readonly left: Value;
  readonly right: Value;
  /** The expectation with values for paths, and both sides worked out where they are sums. */
  readonly detail: string;
}

/**
 * Compares.
 *
 * @param entries the strategies that were run
 * @throws Failure `usage` for a path that leads nowhere, and for values that do not compare
 */
export function evaluate(comparison: Comparison, entries: readonly Entry[]): Evaluation {
  const evaluator = new Evaluator(comparison, entries);
  const left = evaluator.value(comparison.left);
  const right = evaluator.value(comparison.right);
  const detail = [
    evaluator.withValues(comparison.left),
    comparison.operator,
    evaluator.withValues(comparison.right),
  ].join(" ");
  return {
    passed: evaluator.compare(left, right),
    left,
    right,
    detail: detail + workedOut(comparison, left, right),
  };
}

function workedOut(
  { left: of, operator, right: to }: Comparison,
  left: Value,
  right: Value,
): string {
  const isSum = ({ kind }: Expression): boolean => kind === "arithmetic" || kind === "negation";
  return isSum(of) || isSum(to) ? `, that is ${left} ${operator} ${right}` : "";
}

class Evaluator {
  readonly #comparison: Comparison;
  readonly #entries: readonly Entry[];

  constructor(comparison: Comparison, entries: readonly Entry[]) {
    this.#comparison = comparison;
    this.#entries = entries;
  }

  value(expression: Expression): Value {
    switch (expression.kind) {
      case "literal":
        return expression.value;
      case "path":
        return this.#valueAt(expression);
      case "negation":
        return -this.#number(expression.of, expression.at);
      case "arithmetic": {
        const { operator, at } = expression;
        const left = this.#number(expression.left, at);
        const right = this.#number(expression.right, at);
        if (operator === "+") return left + right;
        if (operator === "-") return left - right;
        return operator === "*" ? left * right : left / right;
      }
    }
  }

  compare(left: Value, right: Value): boolean {
    const { operator, at } = this.#comparison;
    if (typeof left !== typeof right) {
      throw this.#unclear(at, `a ${kindOf(left)} does not compare with a ${kindOf(right)}`);
    }
    if (operator === "==") return left === right;
    if (operator === "!=") return left !== right;
    if (typeof left !== "number" || typeof right !== "number") {
      throw this.#unclear(at, `${operator} compares numbers, and this is a ${kindOf(left)}`);
    }
    if (operator === "<") return left < right;
    if (operator === "<=") return left <= right;
    return operator === ">" ? left > right : left >= right;
  }

  withValues(expression: Expression): string {
    switch (expression.kind) {
      case "literal":
        return expression.text;
      case "path":
        return spoken(expression, this.#valueAt(expression));
      case "negation":
        return `-${this.#bracketed(expression.of)}`;
      case "arithmetic": {
        const { left, operator, right } = expression;
        return `${this.#bracketed(left)} ${operator} ${this.#bracketed(right)}`;
      }
    }
  }

  #bracketed(expression: Expression): string {
    const text = this.withValues(expression);
    return expression.kind === "arithmetic" ? `(${text})` : text;
  }

  #number(expression: Expression, at: number): number {
    const value = this.value(expression);
    if (typeof value === "number") return value;
    throw this.#unclear(at, `one cannot calculate with a ${kindOf(value)}`);
  }

  #valueAt(path: PathExpression): Value {
    let current: unknown = this.#entry(path);
    let parent = path.strategy.name;
    for (const key of path.keys) {
      current = this.#step(current, parent, key);
      parent = key.name;
    }
    if (["number", "boolean", "string"].includes(typeof current)) return current as Value;
    const { at } = path.keys.at(-1) ?? path.strategy;
    const [first = ""] = Object.keys(current as object);
    const further = first === "" ? `["TDH.MEM.TRACK"]` : `.${first}`;
    throw this.#unclear(at, `${parent} is not one value`, `for example ${parent}${further}`);
  }

  #step(current: unknown, parent: string, key: Named): unknown {
    if (typeof current !== "object" || current === null || Array.isArray(current)) {
      throw this.#unclear(key.at, `${parent} is a value and has no ${key.name}`);
    }
    if (Object.hasOwn(current, key.name)) return (current as Record<string, unknown>)[key.name];
    if (isCountable(parent, key.name)) return 0;
    const known = parent === "byLeaf" ? leafNames() : Object.keys(current);
    const hint = known.length === 0 ? undefined : didYouMean(key.name, known);
    throw this.#unclear(key.at, `${parent} has no ${JSON.stringify(key.name)}`, hint);
  }

  #entry({ strategy, kernel }: PathExpression): Entry {
    const named = this.#entries.filter((entry) => entry.strategy === strategy.name);
    if (named.length === 0) {
      const known = [...new Set(this.#entries.map((entry) => entry.strategy))];
      const hint = didYouMean(strategy.name, known);
      throw this.#unclear(strategy.at, `strategy ${strategy.name} is not run`, hint);
    }
    const fits = named.filter((entry) => kernel === null || entry.kernel === kernel.name);
    const [only, other] = fits;
    const names = named.map((entry) => `${entry.strategy}@${entry.kernel}`).join(", ");
    if (only === undefined) {
      const what = `strategy ${strategy.name} is not run on kernel ${kernel?.name}`;
      throw this.#unclear(kernel?.at ?? strategy.at, what, `there is ${names}`);
    }
    if (other === undefined) return only;
    throw this.#unclear(strategy.at, `${strategy.name} is run on several kernels`, names);
  }

  #unclear(at: number, what: string, hint?: string): Error {
    return unclear(this.#comparison.text, at, what, hint);
  }
}

function kindOf(value: Value): string {
  if (typeof value === "boolean") return "yes or no";
  return typeof value === "string" ? "text" : "number";
}

/** A value as an expectation would write it; times with their unit. */
function spoken({ keys }: PathExpression, value: Value): string {
  if (typeof value === "string") return JSON.stringify(value);
  const isTime = keys.some(({ name }) => name === "elapsedNs" || name === "milestones");
  return isTime && typeof value === "number" ? `${value}ns` : String(value);
}
