import { Failure } from "../../units/failure.ts";

export type Path = readonly (string | number)[];

/** A scenario of every option is below 10 KiB; the YAML reader is quadratic in errors. */
export const SCENARIO_BYTES_MAX = 32 * 1024;
/** Repetitions through YAML aliases: what a reader can follow, and a YAML bomb cannot live on. */
const ALIASES_MAX = 50;

/** A scenario's text as data, with where everything stands. */
export interface ScenarioSource {
  /** File name, or `stdin`. */
  readonly origin: string;
  readonly value: unknown;
  /** A `data` Failure that names file, line, column and path. */
  readonly fault: (path: Path, what: string, options?: FaultOptions) => Failure;
}

export interface FaultOptions {
  readonly hint?: string | undefined;
  /** Point at the key itself, not at its value. */
  readonly atKey?: boolean;
  readonly cause?: unknown;
}

/**
 * Reads YAML, of which JSON is a part: core schema, no tags, keys once, aliases few.
 *
 * @throws Failure `data` with line and column
 */
export async function parseSource(text: string, origin: string): Promise<ScenarioSource> {
  const { LineCounter, parseDocument, isMap, isNode, isScalar, visit } = await import("yaml");
  if (text.length > SCENARIO_BYTES_MAX) {
    throw new Failure("data", `${origin} is too large for a scenario`);
  }
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${origin}:${line}:${col}`;
  };
  const document = guarded(origin, () =>
    parseDocument(text, {
      lineCounter: lines,
      schema: "core",
      prettyErrors: false,
      strict: true,
      // The package compares every key of a map with every other; see below.
      uniqueKeys: false,
    }),
  );
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined) {
    const [reason = ""] = wrong.message.split("\n");
    throw new Failure("data", `${place(wrong.pos[0])}: ${reason}`, { cause: wrong });
  }
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          throw new Failure("data", `${place(key.range?.[0] ?? 0)}: Map keys must be unique`);
        }
        seen.add(key.value);
      }
    },
  });
  const offsetOf = (path: Path, atKey: boolean): number => {
    let node: unknown = document.contents;
    let offset = 0;
    for (const [depth, key] of path.entries()) {
      const pair = isMap(node)
        ? node.items.find((item) => String(item.key) === String(key))
        : undefined;
      const last = depth === path.length - 1;
      const next = last && atKey ? pair?.key : isNode(node) ? child(node, key) : undefined;
      if (!isNode(next)) return offset;
      node = next;
      offset = next.range?.[0] ?? offset;
    }
    return offset;
  };
  return {
    origin,
    value: guarded(origin, () => {
      // The package looks for each alias's anchor from the start: thousands would take minutes.
      let aliases = 0;
      const count = (): void => {
        if (++aliases > ALIASES_MAX) throw new ReferenceError("too many aliases");
      };
      visit(document, { Alias: count });
      return document.toJS({ maxAliasCount: ALIASES_MAX });
    }),
    fault(path, what, { hint, atKey = false, cause } = {}) {
      const name = spoken(path);
      const message = `${place(offsetOf(path, atKey))}: ${name === "" ? "" : `${name}: `}${what}`;
      return new Failure("data", message, { hint, cause });
    },
  };
}

function child(node: unknown, key: string | number): unknown {
  const container = node as { get?: (key: unknown, keepScalar: boolean) => unknown };
  return container.get?.(key, true);
}

/** The parser's own exceptions are about the text: nesting beyond the stack, too many aliases. */
function guarded<T>(origin: string, read: () => T): T {
  const { stackTraceLimit } = Error;
  // It makes an Error for each fault of the text, thousands of them, and none needs a stack.
  Error.stackTraceLimit = 0;
  try {
    return read();
  } catch (cause) {
    const what =
      cause instanceof RangeError
        ? "it is nested too deep"
        : cause instanceof ReferenceError
          ? `it repeats more than ${ALIASES_MAX} times through aliases, or a missing anchor`
          : (cause as Error).message;
    throw new Failure("data", `${origin}: ${what}`, { cause });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** `steps[2].size`; keys that are no names in brackets and quotes. */
function spoken(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      if (!/^[$A-Za-z_][\w$-]*$/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join("");
}
