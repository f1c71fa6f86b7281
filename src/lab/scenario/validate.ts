import * as v from "valibot";
import { didYouMean, nearest } from "../../units/nearest.ts";
import { type ScenarioFile, scenarioSchema } from "./schema.ts";
import type { Path, ScenarioSource } from "./source.ts";

type Issue = v.BaseIssue<unknown>;

/**
 * The scenario that a source holds.
 *
 * @throws Failure `data` for the first fault: file, line, column, path, what is allowed there and
 *   the nearest match
 */
export function validate(source: ScenarioSource): ScenarioFile {
  const parsed = v.safeParse(scenarioSchema(), source.value);
  if (parsed.success) return parsed.output;
  // A key that is misspelt is also missing: what was written is told first.
  const written = parsed.issues.find(isUnknownKey) ?? parsed.issues[0];
  throw faultOf(source, deepest(written));
}

function isUnknownKey({ type, expected }: Issue): boolean {
  return type === "strict_object" && expected === "never";
}

/** Of the branches of a union, the one that came furthest tells most. */
function deepest(issue: Issue): Issue {
  const [first, ...others] = (issue.issues ?? []) as Issue[];
  if (first === undefined) return issue;
  const depth = (each: Issue): number => each.path?.length ?? 0;
  const best = others.reduce((most, each) => (depth(each) > depth(most) ? each : most), first);
  return depth(best) === 0 ? issue : deepest({ ...best, path: joined(issue, best) } as Issue);
}

/** Paths of a union's branches begin at the union. */
function joined(outer: Issue, inner: Issue): Issue["path"] {
  const [first] = inner.path ?? [];
  const isWhole = first !== undefined && outer.path?.[0]?.key === first.key;
  return (isWhole ? inner.path : [...(outer.path ?? []), ...(inner.path ?? [])]) as Issue["path"];
}

function faultOf(source: ScenarioSource, issue: Issue): Error {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  if (isUnknownKey(issue)) return unknownKey(source, path);
  if (issue.received === "undefined") {
    const missing = String(path.at(-1) ?? "scenario");
    const wanted = issue.expected === null ? "" : `: ${issue.expected}`;
    return source.fault(path.slice(0, -1), `${missing} is missing${wanted}`);
  }
  const allowed = optionsOf(issue);
  if (allowed.length === 0) return source.fault(path, messageOf(issue));
  const { input } = issue;
  const isText = typeof input === "string";
  const near = isText ? nearest(input, allowed) : undefined;
  const hint = near === undefined ? undefined : `did you mean ${near}?`;
  const value = isText ? JSON.stringify(input) : issue.received;
  const what = `${value} is none of ${allowed.join(", ")}`;
  return source.fault(path, what, { hint });
}

function messageOf(issue: Issue): string {
  // Own messages speak for themselves; valibot's begin with "Invalid".
  if (!issue.message.startsWith("Invalid")) return `${issue.received} ${issue.message}`;
  return `expected ${issue.expected ?? issue.message}, got ${issue.received}`;
}

/** What a picklist, a literal or a variant's discriminator allows. */
function optionsOf(issue: Issue): string[] {
  if (!["picklist", "literal", "variant"].includes(issue.type)) return [];
  return [...(issue.expected ?? "").matchAll(/"([^"]*)"/g)].map(([, option]) => option ?? "");
}

function unknownKey(source: ScenarioSource, path: Path): Error {
  const key = String(path.at(-1));
  const known = keysAt(scenarioSchema() as unknown as Walkable, source.value, path.slice(0, -1));
  const hint = didYouMean(key, known);
  return source.fault(path, `there is no key ${JSON.stringify(key)} here`, { hint, atKey: true });
}

/** A schema as far as it can be walked. */
interface Walkable {
  readonly entries?: Readonly<Record<string, Walkable>>;
  readonly item?: Walkable;
  readonly wrapped?: Walkable;
  readonly options?: readonly (Walkable | string)[];
  readonly pipe?: readonly Walkable[];
  readonly literal?: unknown;
}

/** Keys that an object at `path` may have. */
function keysAt(schema: Walkable, value: unknown, path: Path): string[] {
  let here = unwrapped(schema, value);
  let at = value;
  for (const key of path) {
    at = (at as Record<string | number, unknown>)[key];
    const next = typeof key === "number" ? here.item : here.entries?.[key];
    if (next === undefined) return [];
    here = unwrapped(next, at);
  }
  return Object.keys(here.entries ?? {});
}

function unwrapped(schema: Walkable, value: unknown): Walkable {
  const { wrapped, pipe, options } = schema;
  if (wrapped !== undefined) return unwrapped(wrapped, value);
  if (pipe?.[0] !== undefined && pipe[0] !== schema) return unwrapped(pipe[0], value);
  const branches = (options ?? []).filter((option) => typeof option === "object");
  const fitting = branches.find(({ entries }) => {
    const verb = entries?.["do"]?.literal;
    return verb !== undefined && verb === (value as Record<string, unknown>)["do"];
  });
  return fitting ?? branches.find(({ entries }) => entries !== undefined) ?? schema;
}
