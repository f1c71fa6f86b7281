import { describe, expect, test } from "vitest";
import type { Result } from "../../src/lab/result.ts";
import { FORMAT_NAMES, type FormatName, render } from "../../src/report/render.ts";
import { COMPARISON, TROUBLED } from "./example-result.ts";

function text(format: FormatName, result: Result = COMPARISON, color = false): Promise<string> {
  return render([result], { format, color, width: 80 });
}

/** Parses RFC 4180, independently of the writer. */
function parseCsv(csv: string): string[][] {
  return csv
    .trimEnd()
    .split("\n")
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
      ),
    );
}

describe("json", () => {
  test("is the result, indented by two, with a newline", async () => {
    const json = await text("json");
    expect(JSON.parse(json)).toEqual(COMPARISON);
    expect(json.startsWith('{\n  "schema": "tdx-sim/result/v1",\n  "simulated": true,')).toBe(true);
    expect(json.endsWith("}\n")).toBe(true);
  });
});

describe("ndjson", () => {
  test("is one flat object a line for each strategy", async () => {
    const lines = (await text("ndjson")).trimEnd().split("\n");
    const rows = lines.map((line): Record<string, unknown> => JSON.parse(line));
    expect(rows.map((row) => row["strategy"])).toEqual(["runtime", "exit", "hint"]);
    for (const row of rows) {
      expect(Object.values(row).some((value) => typeof value === "object" && value !== null)).toBe(
        false,
      );
      expect(Object.keys(row)).toEqual(Object.keys(rows[0] ?? {}));
    }
    expect(rows[2]).toMatchObject({
      simulated: true,
      memoryBytes: 17_179_869_184,
      vcpus: 4,
      "seamcalls.total": 4_202_552,
      "seamcalls.byLeaf.TDH.PHYMEM.PAGE.RECLAIM": 4_202_544,
      "seamcalls.byLeaf.TDH.MEM.TRACK": 0,
      "seamcalls.byLeaf.other": 0,
      "phases.remove-private.elapsedNs.mid": null,
      "elapsedNs.basis": "fitted",
      "end.pagesLeaked": 0,
    });
  });

  test("columns of leaves add up to the total whatever was called", async () => {
    const [entry] = COMPARISON.strategies;
    if (entry === undefined) return expect.unreachable();
    const seamcalls = { total: 10, byLeaf: { "TDH.MEM.TRACK": 4, "TDH.PHYMEM.PAMT.REMOVE": 6 } };
    const result = { ...COMPARISON, strategies: [{ ...entry, seamcalls }] };
    const row: Record<string, number> = JSON.parse(await text("ndjson", result));
    const leaves = Object.keys(row).filter((key) => key.startsWith("seamcalls.byLeaf."));
    expect(leaves.reduce((sum, key) => sum + (row[key] ?? 0), 0)).toBe(10);
    expect(row["seamcalls.byLeaf.other"]).toBe(6);
  });
});

describe("csv", () => {
  test("has a header, one record for each strategy and the columns of ndjson", async () => {
    const [header = [], ...records] = parseCsv(await text("csv"));
    const lines = (await text("ndjson")).trimEnd().split("\n");
    expect(records.length).toBe(3);
    for (const [index, record] of records.entries()) {
      const row: Record<string, unknown> = JSON.parse(lines[index] ?? "");
      expect(header).toEqual(Object.keys(row));
      const expected = Object.values(row).map((value) => (value === null ? "" : String(value)));
      expect(record).toEqual(expected);
    }
  });

  test.each(["=1+2", "+1", "-1", "@SUM(A1)"])("%s in a name is no formula", async (name) => {
    const csv = await text("csv", { ...COMPARISON, td: { ...COMPARISON.td, name } });
    const [header = [], record = []] = parseCsv(csv);
    expect(record[header.indexOf("name")]).toBe(`'${name}`);
  });

  test("quotes, commas and line breaks stay inside their cell", async () => {
    const warnings = ['say "no", twice\nplease'];
    const csv = await text("csv", { ...COMPARISON, warnings });
    const [header = [], record = []] = parseCsv(csv);
    expect(record[header.indexOf("warnings")]).toBe('say "no", twice\\u000aplease');
  });
});

describe("markdown", () => {
  test("of a comparison", async () => {
    await expect(await text("markdown")).toMatchFileSnapshot("golden/comparison.md");
  });

  test("a pipe in a status does not end the cell", async () => {
    const rows = (await text("markdown", TROUBLED)).split("\n").filter((line) => line[0] === "|");
    expect(rows.some((line) => line.includes("TDX_OPERAND_BUSY\\|RCX"))).toBe(true);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)?.length).toBe(3);
  });

  test("a name cannot start markup", async () => {
    const td = { ...COMPARISON.td, name: "<img src=x>[a](b)`c`" };
    expect(await text("markdown", { ...COMPARISON, td })).toContain(
      "\\<img src=x\\>\\[a\\](b)\\`c\\`",
    );
  });
});

describe("every format", () => {
  test.each(FORMAT_NAMES)("%s gives the same bytes twice and ends in a newline", async (format) => {
    const bytes = await text(format);
    expect(await text(format)).toBe(bytes);
    expect(bytes.endsWith("\n")).toBe(true);
  });

  test.each(FORMAT_NAMES.filter((name) => name !== "table"))("%s has no colour", async (format) => {
    expect(await text(format, COMPARISON, true)).toBe(await text(format));
  });

  test.each(FORMAT_NAMES)("%s says that it is simulated", async (format) => {
    expect(await text(format)).toMatch(/simulated/i);
  });

  const withTimes = FORMAT_NAMES.filter((name) => name !== "github");
  test.each(withTimes)("%s tells the basis and the range of a time", async (format) => {
    const bytes = await text(format);
    expect(bytes).toMatch(/fitted/);
    // To the nanosecond for programs, rounded for people.
    expect(bytes).toMatch(/17734100000|18 to 23 s/);
    expect(bytes).toMatch(/22944200000|18 to 23 s/);
  });
});
