import type { Figure, Fit, Profile, Term } from "../../cost/profile.ts";
import { alignColumns, wrapText } from "../layout.ts";
import { coverText, namedFigures, perText, rangeText } from "../profile-text.ts";
import type { FlatRow } from "../rows.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/** A profile of the list, with the checksum that results carry. */
export interface ListedProfile {
  readonly profile: Profile;
  readonly sha256: string;
  readonly isDefault: boolean;
}

/** `tdx-sim/profiles/v1`: the profiles that there are by name. */
export function profileListDocument(listed: readonly ListedProfile[]): RecordsDocument {
  const rows = listed.map(({ profile, sha256, isDefault }) => ({
    name: profile.name,
    default: isDefault,
    terms: profile.terms.length,
    fits: profile.fits.length,
    sha256,
    description: profile.description,
  }));
  return recordsDocument({
    json: { schema: "tdx-sim/profiles/v1", profiles: rows },
    rowSchema: "profiles-row",
    rows,
    table: ({ width }) =>
      rows.flatMap(({ name, description, terms, default: isDefault }) => [
        `${name}${isDefault ? " (default)" : ""}, ${terms} prices`,
        ...wrapText(description, width, "  "),
      ]),
  });
}

/** The profile itself as JSON, or a row for each of its numbers. */
export function profileDocument(profile: Profile, sha256: string): RecordsDocument {
  const head = { profile: profile.name, sha256 };
  return recordsDocument({
    json: profile,
    rowSchema: "profile-row",
    rows: figuresOf(profile).map((row) => ({ ...head, ...row })),
    table: ({ width }) => sheet(profile, sha256, width),
  });
}

function figuresOf({ terms, fits }: Profile): FlatRow[] {
  return [
    ...terms.map(({ term, per, price }) => figureRow("price", term, perText(per), price)),
    ...fits.flatMap((fit) =>
      namedFigures(fit).map(([name, figure]) => figureRow(name, fit.fit, rangeText(fit), figure)),
    ),
  ];
}

function figureRow(part: string, name: string, of: string, figure: Figure): FlatRow {
  const { value, low, high, unit, basis, source, conditions } = figure;
  return { part, name, of, value, low, high, unit, basis, source, conditions };
}

function sheet(profile: Profile, sha256: string, width: number): string[] {
  return [
    `Cost profile ${profile.name}`,
    ...wrapText(profile.description, width),
    `sha256 ${sha256}`,
    ...profile.terms.flatMap((term) => ["", ...termLines(term, width)]),
    ...profile.fits.flatMap((fit) => ["", ...fitLines(fit, width)]),
  ];
}

function termLines({ term, per, covers, price }: Term, width: number): string[] {
  const contained = (covers ?? []).map(coverText);
  return [
    ...wrapText(`${term}: ${perText(per)}`, width),
    ...figureLines("price", price, width),
    ...(contained.length === 0 ? [] : wrapText(`contains ${contained.join("; ")}`, width, "    ")),
  ];
}

function fitLines(fit: Fit, width: number): string[] {
  return [
    ...wrapText(`fit of ${fit.fit}, ${rangeText(fit)}`, width),
    ...wrapText(`terms ${fit.terms.join(", ")}`, width, "  "),
    ...wrapText(fit.range.source, width, "  "),
    ...namedFigures(fit).flatMap(([name, figure]) => figureLines(name, figure, width)),
  ];
}

function figureLines(name: string, figure: Figure, width: number): string[] {
  const { value, low, high, unit, basis, source, conditions } = figure;
  const range = low === high ? "" : `, ${low} to ${high}`;
  return [
    ...wrapText(`${name} ${value}${range} ${unit} (${basis})`, width, "  "),
    ...wrapText(`from ${source}`, width, "    "),
    ...wrapText(`for ${conditions}`, width, "    "),
  ];
}

/** What the check of one profile came to. */
export interface CheckedProfile {
  /** As it was named: a file or a built-in profile. */
  readonly profile: string;
  readonly name: string | null;
  readonly sha256: string | null;
  readonly valid: boolean;
  /** Why it is no profile; or what in it is odd. */
  readonly remarks: readonly string[];
}

/** `tdx-sim/profile-check/v1`. */
export function profileCheckDocument(checked: readonly CheckedProfile[]): RecordsDocument {
  return recordsDocument({
    json: { schema: "tdx-sim/profile-check/v1", profiles: checked },
    rowSchema: "profile-check-row",
    rows: checked.map(({ remarks, ...rest }) => ({ ...rest, remarks: remarks.join(" ") })),
    table: ({ width }) => [
      ...alignColumns(
        checked.map(({ profile, valid, name }) => [
          profile,
          valid ? "ok" : "no profile",
          name ?? "",
        ]),
        { aligns: ["left", "left", "left"] },
      ),
      ...checked.flatMap(({ profile, valid, remarks }) =>
        remarks.flatMap((remark) =>
          wrapText(valid ? `${profile}: ${remark}` : remark, width, "- "),
        ),
      ),
    ],
  });
}
