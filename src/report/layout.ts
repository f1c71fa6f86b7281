export type Align = "left" | "right";

/** Text with a style that survives without colour: colour is an addition, never the message. */
export type Style = "plain" | "strong" | "faint" | "good";
export type Palette = Readonly<Record<Style, (text: string) => string>>;

const asIs = (text: string): string => text;
export const PLAIN_PALETTE: Palette = { plain: asIs, strong: asIs, faint: asIs, good: asIs };

export interface StyledCell {
  readonly text: string;
  readonly style: Style;
}

/** A cell of an aligned table: a bare string is plain. */
export type Cell = string | StyledCell;

export interface ColumnLayout {
  /** One for each column; further columns are aligned left. */
  readonly aligns: readonly Align[];
  /** Spaces between columns, 2 unless given. */
  readonly gap?: number;
  /** Spaces before every line. */
  readonly indent?: number;
  readonly palette?: Palette;
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

/** Characters each column needs. */
export function columnWidths(rows: readonly (readonly Cell[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, textOf(cell).length);
    });
  }
  return widths;
}

/** Lines of a table without borders: columns as wide as they need, no blanks at the end. */
export function alignColumns(rows: readonly (readonly Cell[])[], layout: ColumnLayout): string[] {
  const { aligns, gap = 2, indent = 0, palette = PLAIN_PALETTE } = layout;
  const widths = columnWidths(rows);
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const text = textOf(cell);
      const blank = " ".repeat((widths[column] ?? 0) - text.length);
      const painted = typeof cell === "string" ? cell : palette[cell.style](text);
      const last = column === row.length - 1;
      if (aligns[column] === "right") return blank + painted;
      return last ? painted : painted + blank;
    });
    return (" ".repeat(indent) + cells.join(" ".repeat(gap))).trimEnd();
  });
}

/**
 * Breaks text at blanks to lines of at most `width` characters; longer words stay whole. The
 * first line begins with `bullet`, the others with as many spaces.
 */
export function wrapText(text: string, width: number, bullet = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && bullet.length + longer.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  const indent = " ".repeat(bullet.length);
  return lines.map((each, index) => (index === 0 ? bullet : indent) + each);
}
