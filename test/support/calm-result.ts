import type { SchemaName } from "../../src/report/schema-names.ts";
import type { CliResult } from "./cli.ts";
import { isSchema, schemaFaults } from "./schema-faults.ts";

/** CONTRACT, "Exit codes", less that of our own bugs; 130 is how a test's patience ends. */
const DOCUMENTED = new Set([0, 1, 64, 65, 66, 69, 73, 74, 75, 78, 130]);
/** C0 but for the line feed, DEL, C1, and what turns text round or hides in it. */
const RAW_CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get out
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colour, which the options may ask for
const COLOUR = /\x1b\[[0-9;]*m/g;

export interface CalmFaults {
  readonly faults: readonly string[];
  /** Documents on stdout that were held against their schema. */
  readonly documents: number;
}

/**
 * What is wrong with how a run ended, whatever it was given: it needs a documented exit code, no
 * stack trace, no raw control bytes, only data on stdout that keeps to its schema, and a line on
 * stderr that says what is wrong.
 *
 * @param allowed what the program's own text may hold: colour, and tabs in completions
 */
export function calmFaults(result: CliResult, allowed: RegExp = COLOUR): CalmFaults {
  const { code, signal, stdout, stderr } = result;
  const faults: string[] = [];
  if (code === null || !DOCUMENTED.has(code)) faults.push(`exit code ${code ?? signal}`);
  if (/^\s+at .*:\d+/m.test(stderr)) faults.push("a stack trace");
  for (const [name, text] of Object.entries({ stdout, stderr })) {
    const [control] = RAW_CONTROLS.exec(text.replaceAll(allowed, "")) ?? [];
    if (control !== undefined) faults.push(`raw ${JSON.stringify(control)} on ${name}`);
  }
  if (code !== 0 && !/^tdx-sim: ./m.test(stderr)) faults.push("no word of what is wrong");
  if (code === 0 && /^tdx-sim: /m.test(stderr)) faults.push("a complaint, yet exit code 0");
  if (/^(tdx-sim|note): /m.test(stdout)) faults.push("messages among the data");
  const documents = documentsIn(stdout);
  if (documents === null) faults.push("broken JSON on stdout");
  let held = 0;
  for (const document of documents ?? []) {
    const name = schemaOf(document);
    if (name === null) continue;
    held += 1;
    const wrong = name === "$schema" ? !isSchema(document as object) : schemaFaults(name, document);
    if (wrong) faults.push(`the ${name} on stdout: ${JSON.stringify(wrong)}`);
  }
  return { faults, documents: held };
}

/** What is printed for programs that know it: completions for shells, a tab between. */
export const TABS = /\t/g;

/** The JSON documents of a text: it is one, or each of its lines is; null when neither. */
function documentsIn(text: string): unknown[] | null {
  if (!/^[{[]/.test(text)) return [];
  try {
    return [JSON.parse(text)];
  } catch {
    // An interrupted run may have printed whole lines only.
  }
  try {
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  } catch {
    return null;
  }
}

/** The schema that a document names; null for a row that names none, and for a trace. */
function schemaOf(document: unknown): SchemaName | "$schema" | null {
  if (Array.isArray(document)) return "td-list";
  const { schema, $schema } = document as { schema?: unknown; $schema?: unknown };
  if ($schema !== undefined) return "$schema";
  const [, name] = /^tdx-sim\/(.+)\/v1$/.exec(String(schema)) ?? [];
  return name === undefined ? null : (name as SchemaName);
}
