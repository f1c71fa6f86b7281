import * as v from "valibot";
import { Failure } from "../../units/failure.ts";
import { parseJson } from "../../units/json.ts";
import { formatSize, parseSize } from "../../units/size.ts";
import { generation, strategyOf } from "../kernels.ts";
import { resolveTdOptions, type TdOptions } from "../td-options.ts";
import { csvRecords } from "./csv-records.ts";

/** One timed teardown, or the time its calls of one leaf took. */
export interface MeasurementRow {
  /** Where it stands, for messages: `rows.csv line 3`. */
  readonly place: string;
  readonly options: TdOptions;
  readonly strategy: string;
  readonly seconds: number;
  /** A row of weight 4 counts as much as four rows of weight 1. */
  readonly weight: number;
  /** The leaf whose calls took the time; null for the teardown end to end. */
  readonly leaf: string | null;
  /** Who measured it and how; empty when the file does not say. */
  readonly source: string;
}

/** Each row costs an emulated teardown and a fit without it. */
const ROWS_MAX = 500;

const HINT =
  "a row has vcpus, memory, pageSize, strategy, kernel and seconds, and if wanted packages, " +
  "populated, weight, source and leaf";

const numeric = v.pipe(
  v.union(
    [v.number(), v.pipe(v.string(), v.regex(/^[-+]?[\d.]+(?:e[-+]?\d+)?$/i, "is no number"))],
    "is no number",
  ),
  v.transform(Number),
  v.number("is no number"),
  v.finite("is no number"),
);
const positive = v.pipe(
  numeric,
  v.check((value) => value > 0, "must be above 0"),
);
const count = v.pipe(positive, v.integer("is no whole number"));
const size = v.pipe(
  v.union([v.pipe(v.number(), v.integer(), v.minValue(0)), v.string()], "is not a size"),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    try {
      return typeof value === "number" ? value : parseSize(value);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      addIssue({ message: `${error.message}: ${error.hint ?? ""}` });
      return NEVER;
    }
  }),
);
const text = v.pipe(v.string("is no text"), v.nonEmpty("is empty"));

const RowSchema = v.strictObject({
  vcpus: count,
  memory: size,
  pageSize: v.picklist(["4K", "2M"], "is neither 4K nor 2M"),
  strategy: text,
  kernel: text,
  seconds: positive,
  packages: v.exactOptional(count),
  populated: v.exactOptional(size),
  weight: v.exactOptional(positive),
  leaf: v.exactOptional(v.pipe(text, v.regex(/^TDH(?:\.[A-Z0-9]+)+$/, "is no SEAMCALL leaf"))),
  source: v.exactOptional(v.string("is no text")),
});

interface Raw {
  readonly place: string;
  readonly value: unknown;
}

/**
 * Rows of a measurement file, CSV or JSON (an array, or an object with `rows`).
 *
 * @throws Failure `data` that names file, line or row, and column
 */
export function parseMeasurementRows(content: string, origin: string): MeasurementRow[] {
  const raw = /^\s*[[{]/.test(content) ? jsonRows(content, origin) : csvRows(content, origin);
  if (raw.length === 0) {
    throw new Failure("data", `${origin} has no measurement`, { hint: HINT });
  }
  if (raw.length > ROWS_MAX) {
    throw new Failure("data", `${origin} has ${raw.length} rows, more than ${ROWS_MAX}`);
  }
  return raw.map(({ place, value }) => rowOf(value, place));
}

function jsonRows(content: string, origin: string): Raw[] {
  const rows = v.safeParse(
    v.union([v.array(v.unknown()), v.object({ rows: v.array(v.unknown()) })]),
    parseJson(content, origin),
  );
  if (!rows.success) {
    throw new Failure("data", `${origin} is neither an array nor an object with rows`, {
      hint: HINT,
    });
  }
  const list = Array.isArray(rows.output) ? rows.output : rows.output.rows;
  return list.map((value, index) => ({ place: `${origin} row ${index + 1}`, value }));
}

function csvRows(content: string, origin: string): Raw[] {
  return csvRecords(content, origin).map(({ line, cells }) => {
    const given = Object.entries(cells).filter(([, cell]) => cell !== "");
    return { place: `${origin} line ${line}`, value: Object.fromEntries(given) };
  });
}

function rowOf(value: unknown, place: string): MeasurementRow {
  const parsed = v.safeParse(RowSchema, value);
  if (!parsed.success) {
    const stranger = parsed.issues.find(({ expected }) => expected === "never");
    const issue = stranger ?? parsed.issues[0];
    const column = v.getDotPath(issue);
    const what = column === null ? problemOf(issue) : `${column} ${problemOf(issue)}`;
    throw new Failure("data", `${place}: ${what}`, { hint: HINT });
  }
  try {
    return checked(parsed.output, place);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure("data", `${place}: ${error.message}`, { hint: error.hint ?? HINT });
  }
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  if (issue.kind !== "schema" || issue.type !== "strict_object") return issue.message;
  if (issue.expected === "never") return "is no column that there is";
  return issue.received === "undefined" ? "is missing" : "is not an object";
}

/** What no TD can have, and kernels and strategies that there are none of, is refused here. */
function checked(row: v.InferOutput<typeof RowSchema>, place: string): MeasurementRow {
  const options = resolveTdOptions({
    memoryBytes: row.memory,
    vcpus: row.vcpus,
    pageSize: row.pageSize,
    kernel: row.kernel,
    ...(row.packages === undefined ? {} : { packages: row.packages }),
    ...(row.populated === undefined ? {} : { populatedBytes: row.populated }),
  });
  strategyOf(generation(options.kernel), row.strategy);
  return {
    place,
    options,
    strategy: row.strategy,
    seconds: row.seconds,
    weight: row.weight ?? 1,
    leaf: row.leaf ?? null,
    source: row.source ?? "",
  };
}

/** The configuration in words: `hint, 16 GiB, 4 vCPUs, 4K, v16`. */
export function describeRow({ options, strategy, leaf }: MeasurementRow): string {
  const { memoryBytes, populatedBytes, vcpus, packages, pageSize, kernel } = options;
  return [
    strategy,
    formatSize(memoryBytes),
    ...(populatedBytes === memoryBytes ? [] : [`${formatSize(populatedBytes)} mapped`]),
    `${vcpus} ${vcpus === 1 ? "vCPU" : "vCPUs"}`,
    ...(packages === 1 ? [] : [`${packages} packages`]),
    pageSize,
    kernel,
    ...(leaf === null ? [] : [leaf]),
  ].join(", ");
}
