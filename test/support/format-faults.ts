/** Whether text from outside got out of its place in a document. */
import type { OutputFormat } from "../../src/cli/outputs.ts";

/** What a terminal obeys, and what is drawn as nothing, but for the line feed (Unicode 15). */
const RAW =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each is looked for by itself
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get out
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;
/** What the program's own colour is made of: bold, faint, green, and their ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colour, which the options may ask for
const OWN_COLOUR = /\x1b\[(?:1|2|22|32|39)m/g;
const TAP_LINE =
  /^(TAP version 14|# tdx-sim, simulated|1\.\.\d+|(not )?ok \d+ - .*| {2}(---|\.\.\.|message: ".*"|severity: \w+))$/;

/** The first raw character of a text, as a list of no or one fault. */
export function rawFaults(text: string, colour: boolean): string[] {
  const [raw] = RAW.exec(colour ? text.replaceAll(OWN_COLOUR, "") : text) ?? [];
  return raw === undefined ? [] : [`raw ${JSON.stringify(raw)}`];
}

/**
 * What is wrong with a document that holds hostile text.
 *
 * @param harmless the same document with harmless text in it
 */
export function formatFaults(format: OutputFormat, text: string, harmless: string): string[] {
  if (text === "") return [];
  switch (format) {
    case "json":
    case "perfetto":
      return jsonFaults([text]);
    case "ndjson":
      return jsonFaults(linesOf(text));
    case "csv":
      return csvFaults(text);
    case "markdown":
      return markdownFaults(text);
    case "github":
      return oddLines(text, /^::(error|warning|notice) title=[^:,]*::.*$/);
    case "tap":
      return oddLines(text.replaceAll(/\\[\\#]| # TODO a warning, not an error$/gm, ""), TAP_LINE);
    case "junit":
    case "svg":
    case "html":
      return markupFaults(text, harmless);
    default:
      return [];
  }
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

function oddLines(text: string, allowed: RegExp): string[] {
  const hashes = /^(not )?ok .*#/;
  return linesOf(text).filter((line) => !allowed.test(line) || hashes.test(line));
}

function jsonFaults(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    try {
      JSON.parse(text);
      return [];
    } catch (error) {
      return [`broken JSON: ${error}`];
    }
  });
}

function csvFaults(text: string): string[] {
  const faults: string[] = [];
  const widths = new Set<number>();
  for (const line of linesOf(text)) {
    const cells = Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g));
    widths.add(cells.length);
    if (cells.reduce((sum, [cell]) => sum + cell.length, 0) !== line.length) faults.push(line);
    for (const [, quoted, plain = ""] of cells) {
      const cell = quoted ?? plain;
      const isNumber = quoted === undefined && Number.isFinite(Number(cell));
      if (/^[=+\-@\t\r]/.test(cell) && !isNumber) faults.push(`formula ${JSON.stringify(cell)}`);
    }
  }
  return widths.size > 1 ? [...faults, "rows of unequal width"] : faults;
}

function markdownFaults(text: string): string[] {
  const plain = text.replaceAll(/\\[\\`*[\]<>|_]/g, "");
  const [markup] = /[`<[\]]/.exec(plain) ?? [];
  const faults = markup === undefined ? [] : [`markup ${markup}`];
  let bars = 0;
  for (const line of linesOf(plain)) {
    const now = line.split("|").length - 1;
    if (bars > 0 && now > 0 && now !== bars) faults.push(`a row of ${now} bars: ${line}`);
    bars = now;
  }
  return faults;
}

const ELEMENT = /<[?!]?\/?([A-Za-z][\w:-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*[?/]?>/g;

/** Elements and attributes that the harmless document does not have, and what starts none. */
function markupFaults(text: string, harmless: string): string[] {
  const scripts = text.split(/<script/i).length;
  if (scripts !== harmless.split(/<script/i).length) return ["another script"];
  const known = partsOf(harmless);
  const { parts, rest } = partsOf(text);
  const faults = [...parts].filter((part) => !known.parts.has(part));
  return rest.includes("<") ? [...faults, `markup that is none: ${rest.slice(0, 200)}`] : faults;
}

function partsOf(document: string): { readonly parts: ReadonlySet<string>; readonly rest: string } {
  const parts = new Set<string>();
  const unscripted = document.replaceAll(/(<(script|style)\b[^>]*>).*?(<\/\2>)/gs, "$1$3");
  const rest = unscripted.replaceAll(ELEMENT, (_, name: string, attributes: string) => {
    parts.add(name);
    for (const [, attribute] of attributes.matchAll(/([\w:-]+)(?:="[^"]*")?/g)) {
      parts.add(`${name} ${attribute}`);
    }
    return "";
  });
  return { parts, rest };
}
