import {
  type ArithmeticOperator,
  COMPARISONS,
  type Comparison,
  type ComparisonOperator,
  type Expression,
  type Named,
  type PathExpression,
  unclear,
} from "./expression.ts";
import { type Token, tokenize } from "./tokens.ts";

/** Deeper brackets than anybody means. */
const DEPTH_MAX = 32;

/**
 * An expectation from its text.
 *
 * @param kernels names of the kernel generations that may follow an `@`
 * @throws Failure `usage` with the column
 */
export function parseExpectation(text: string, kernels: readonly string[]): Comparison {
  return new Parser(text, tokenize(text, kernels)).comparison();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  /** comparison = sum operator sum */
  comparison(): Comparison {
    const left = this.#sum();
    const sign = this.#peek();
    const operator = COMPARISONS.find((each) => sign.kind === "sign" && each === sign.text);
    if (operator === undefined) {
      throw this.#unclear(sign, `a comparison is missing here (${COMPARISONS.join(" ")})`);
    }
    this.#next += 1;
    const right = this.#sum();
    const rest = this.#peek();
    if (rest.kind !== "end") {
      const chained = COMPARISONS.includes(rest.text as ComparisonOperator);
      const what = chained ? "there is one comparison already" : `${rest.text} is too much`;
      throw this.#unclear(rest, what);
    }
    return { text: this.#text, operator, at: sign.at, left, right };
  }

  /** sum = product { ("+" | "-") product } */
  #sum(): Expression {
    return this.#chain(["+", "-"], () => this.#product());
  }

  /** product = factor { ("*" | "/") factor } */
  #product(): Expression {
    return this.#chain(["*", "/"], () => this.#factor());
  }

  #chain(operators: readonly ArithmeticOperator[], part: () => Expression): Expression {
    let left = part();
    for (;;) {
      const sign = this.#peek();
      const operator = operators.find((each) => sign.kind === "sign" && each === sign.text);
      if (operator === undefined) return left;
      this.#next += 1;
      left = { kind: "arithmetic", operator, left, right: part(), at: sign.at };
    }
  }

  /** factor = "-" factor | "(" sum ")" | literal | path */
  #factor(): Expression {
    const token = this.#take();
    if (token.kind === "number" || token.kind === "string") {
      return { kind: "literal", value: token.value, text: token.text };
    }
    if (token.kind === "name") return this.#named(token);
    if (token.text !== "-" && token.text !== "(") {
      const what = token.kind === "end" ? "it ends too early" : `${token.text} cannot stand here`;
      throw this.#unclear(token, what);
    }
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#unclear(token, "it is nested too deep");
    const of = token.text === "-" ? this.#factor() : this.#sum();
    this.#depth -= 1;
    if (token.text === "-") return { kind: "negation", of, at: token.at };
    this.#expect(")");
    return of;
  }

  #named(token: Token): Expression {
    const { text } = token;
    if (text === "true" || text === "false")
      return { kind: "literal", value: text === "true", text };
    return this.#path({ name: text, at: token.at });
  }

  /** path = strategy [ "@" kernel ] { "." name | "[" string "]" } */
  #path(strategy: Named): PathExpression {
    let kernel: Named | null = null;
    if (this.#peek().kind === "kernel") {
      const { text, at } = this.#take();
      kernel = { name: text.replace(/^@["']?/, "").replace(/["']$/, ""), at };
    }
    const keys: Named[] = [];
    for (;;) {
      const { text } = this.#peek();
      if (text !== "." && text !== "[") return { kind: "path", strategy, kernel, keys };
      this.#next += 1;
      const key = this.#take();
      if (text === "." && key.kind === "name") keys.push({ name: key.text, at: key.at });
      else if (text === "[" && key.kind === "string") {
        keys.push({ name: key.value, at: key.at });
        this.#expect("]");
      } else {
        const wanted =
          text === "." ? "a name follows the dot" : 'a text follows: ["TDH.MEM.TRACK"]';
        throw this.#unclear(key, wanted);
      }
    }
  }

  #expect(sign: string): void {
    const token = this.#take();
    if (token.text !== sign) throw this.#unclear(token, `${sign} is missing`);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", at: this.#text.length, text: "" };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #unclear(token: Token, what: string): Error {
    return unclear(this.#text, token.at, what);
  }
}
