import type { Calibration, PriceVerdict, RowVerdict } from "../../lab/calibrate/calibrate.ts";
import {
  formatDuration,
  formatDurationRange,
  formatEstimate,
  formatPercent,
} from "../../units/duration.ts";
import { alignColumns, wrapText } from "../layout.ts";
import type { FlatRow } from "../rows.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

const NAMES_SHOWN = 3;

/** `tdx-sim/calibration/v1` for every format; rows are the measurements. */
export function calibrationDocument(calibration: Calibration): RecordsDocument {
  return recordsDocument({
    json: calibration,
    rows: calibration.rows.map((row) => flat(row, calibration)),
    table: ({ width }) => sheet(calibration, width),
  });
}

function flat(row: RowVerdict, { version, file, profile }: Calibration): FlatRow {
  const { simulatedNs } = row;
  return {
    schema: "tdx-sim/calibration-row/v1",
    simulated: true,
    version,
    file,
    "profile.sha256": profile?.sha256 ?? null,
    place: row.place,
    configuration: row.configuration,
    source: row.source,
    measuredSeconds: row.measuredSeconds,
    "simulatedNs.low": simulatedNs?.low ?? null,
    "simulatedNs.mid": simulatedNs?.mid ?? null,
    "simulatedNs.high": simulatedNs?.high ?? null,
    "simulatedNs.basis": simulatedNs?.basis ?? null,
    relativeError: row.relativeError,
    leaveOneOutError: row.leaveOneOutError,
  };
}

function sheet(calibration: Calibration, width: number): string[] {
  const { file, prices, rank, counted, profile, complaints } = calibration;
  const told = `${rank} of ${counted} counts are independent, ${prices.length} bear a price`;
  return [
    `Calibration by ${file}: measured teardowns and SIMULATED ones`,
    profile === null ? "No profile: the rows bear no price" : `Profile ${profile.name}: ${told}`,
    ...calibration.rows.flatMap((row) => ["", ...rowLines(row, width)]),
    ...section(
      "Prices",
      prices.flatMap((price) => priceLines(price, width)),
    ),
    ...section("Not told", untoldLines(calibration, width)),
    ...section(
      "Scatter of the rows around the fit",
      alignColumns(
        calibration.scatter.map(({ family, rows, share }) => [
          family,
          `${rows} rows`,
          formatPercent(share),
        ]),
        { aligns: ["left", "right", "right"], indent: 2 },
      ),
    ),
    ...section(
      "Notes",
      complaints.flatMap((complaint) => wrapText(complaint, width, "- ")),
    ),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

/** `+4.5 %`; nothing that was known is told as 0. */
function signedPercent(share: number | null): string {
  if (share === null) return "-";
  const sign = share < 0 ? "-" : "+";
  return `${sign}${formatPercent(Math.abs(share))}`;
}

function rowLines(row: RowVerdict, width: number): string[] {
  const { simulatedNs: time, place } = row;
  const measured = `measured ${row.measuredSeconds} s`;
  const simulated = time === null ? "no price for it" : `simulated ${formatEstimate(time)}`;
  const errors = `error ${signedPercent(row.relativeError)}, left out ${signedPercent(row.leaveOneOutError)}`;
  return [
    ...wrapText(`${place}: ${row.configuration}`, width),
    ...wrapText(`${measured}, ${simulated}`, width, "  "),
    `  ${errors}`,
  ];
}

function priceLines(
  { term, price, relativeStandardError, contains }: PriceVerdict,
  width: number,
): string[] {
  const per = price.unit.replace("ns/", "a ");
  const line =
    `${formatDuration(price.value)} ${per} (${formatDurationRange(price.low, price.high)}, ` +
    `${price.basis}), standard error ${formatPercent(relativeStandardError)}`;
  const inside =
    contains.length === 0 ? [] : wrapText(`contains ${contains.join(", ")}`, width, "    ");
  return [`  ${term}`, ...wrapText(line, width, "    "), ...inside];
}

/** The first few names; an enumeration of all would hide them. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN);
  const hidden = names.length - shown.length;
  return [...shown, ...(hidden === 0 ? [] : [`${hidden} more`])].join(" and ");
}

function untoldLines({ untold }: Calibration, width: number): string[] {
  return untold.flatMap(({ driver, reason, with: others }) => {
    const names = listed(others);
    const why =
      reason === "confounded"
        ? `goes with ${names} in every row`
        : `is lost in the noise${names === "" ? "" : ` beside ${names}`}`;
    return wrapText(`${driver} ${why}`, width, "  ");
  });
}
