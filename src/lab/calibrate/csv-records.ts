import { Failure } from "../../units/failure.ts";

/** One record of a CSV file: cells by column name, and the line it began on. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}

interface Line {
  readonly number: number;
  readonly cells: readonly string[];
}

/** A cell in quotes with doubled quotes inside, or one without any; then a comma or the end. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * Records of a CSV file with a header (RFC 4180, LF or CRLF); empty lines and lines that begin
 * with `#` are left out.
 *
 * @throws Failure `data` naming `origin` and the line
 */
export function csvRecords(text: string, origin: string): CsvRecord[] {
  const [header, ...lines] = csvLines(text, origin);
  if (header === undefined) throw new Failure("data", `${origin} is empty`);
  const names = header.cells.map((name) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Failure("data", `${origin} has the column "${twice}" twice`);
  return lines.map(({ number, cells }) => {
    if (cells.length !== names.length) {
      throw new Failure(
        "data",
        `${origin} line ${number} has ${cells.length} cells under ${names.length} columns`,
      );
    }
    const named = names.map((name, index) => [name, (cells[index] ?? "").trim()] as const);
    return { line: number, cells: Object.fromEntries(named) };
  });
}

function csvLines(text: string, origin: string): Line[] {
  const lines: Line[] = [];
  let position = text.startsWith("\u{feff}") ? 1 : 0;
  let number = 1;
  while (position < text.length) {
    const skipped = /(?:#[^\n]*|[ \t\r]*)(?:\n|$)/y;
    skipped.lastIndex = position;
    if (skipped.test(text)) {
      position = skipped.lastIndex;
      number += 1;
      continue;
    }
    const cells: string[] = [];
    let end = "";
    let broken = 0;
    do {
      CELL.lastIndex = position;
      const match = CELL.exec(text);
      if (match === null) {
        throw new Failure("data", `${origin} line ${number + broken} is not CSV`, {
          hint: 'a cell with a quote stands in quotes, the quote doubled: "so ""called"""',
        });
      }
      const [all, quoted, bare = "", after = ""] = match;
      cells.push(quoted?.replaceAll('""', '"') ?? bare);
      broken += quoted?.match(/\n/g)?.length ?? 0;
      position += all.length;
      end = after;
    } while (end === ",");
    lines.push({ number, cells });
    number += 1 + broken;
  }
  return lines;
}
