import type { Profile } from "../../cost/profile.ts";
import { type ExplainedStrategy, explainStrategy } from "../../lab/explain-strategy.ts";
import { generation, strategyOf } from "../../lab/kernels.ts";
import type { Result } from "../../lab/result.ts";
import { parseWhatIf } from "../../lab/what-if.ts";
import { formatCount } from "../../units/count.ts";
import type { Materials } from "../format.ts";
import type { PageData } from "../html-data.ts";
import { profileSection } from "../html-profile.ts";
import { sequenceSection } from "../html-sequence.ts";
import { pageStyle } from "../html-style.ts";
import { durationCell, type Sheet, type SheetCell, type SheetRow, sheetOf } from "../sheet.ts";
import { escapeXml } from "../svg-parts.ts";
import type { Theme } from "../svg-theme.ts";
import { renderSvg } from "./svg.ts";

export const about = "one page that needs no network: tables, charts to point at, sources";

export interface HtmlMaterials {
  /** The profile that priced the result. */
  readonly profile: Profile;
  readonly theme: Theme;
  /** How the strategies of the result go. */
  readonly explained?: readonly ExplainedStrategy[];
}

/** The program inside the page, as one script. */
export interface HtmlApp {
  readonly script: string;
}

export function draw(result: Result, { profile, theme }: Materials): Promise<string> {
  return renderHtml(result, { profile, theme, explained: explainedOf(result) });
}

/** How the strategies of a result go, each once. */
function explainedOf({ strategies, whatIf = [] }: Result): ExplainedStrategy[] {
  const whatIfs = whatIf.map(parseWhatIf);
  return strategies.map(({ strategy, kernel }) => {
    const own = generation(kernel);
    return explainStrategy(own, strategyOf(own, strategy), whatIfs);
  });
}

/**
 * A result as one HTML file that needs no network: tables and a static picture in the markup, so
 * that it can be read and printed without a script; the script makes the pictures interactive.
 */
export async function renderHtml(result: Result, materials: HtmlMaterials): Promise<string> {
  return htmlPage(result, materials, await import("#html-app"));
}

export function htmlPage(result: Result, materials: HtmlMaterials, app: HtmlApp): string {
  const { profile, theme, explained = [] } = materials;
  const sheet = sheetOf(result);
  const title = escapeXml(sheet.title);
  const sections = [
    summarySection(sheet),
    chartSection(result, theme),
    tableSection(sheet),
    phaseSection(result, sheet),
    sequenceSection(explained, theme),
    configurationSection(result, sheet),
    profileSection(profile),
  ];
  return [
    "<!DOCTYPE html>",
    `<html lang="en" data-theme="${theme}">`,
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="color-scheme" content="light dark">',
    `<title>${title}</title>`,
    '<link rel="icon" href="data:,">',
    `<style>${pageStyle(theme)}</style>`,
    "</head>",
    "<body>",
    `<header><h1>${title}</h1><p class="faint">${escapeXml(sheet.provenance)}</p></header>`,
    `<main>${sections.join("\n")}</main>`,
    `<script type="application/json" id="tdx-sim-data">${scriptJson(dataOf(result, sheet))}</script>`,
    `<script>${scriptText(app.script)}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

/** Nothing is fetched, from anywhere. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

function dataOf(result: Result, sheet: Sheet): PageData {
  return {
    profile: result.profile.name,
    strategies: result.strategies.map(({ seamcalls, phases, elapsedNs }, index) => ({
      name: sheet.columns[index] ?? "",
      seamcalls: seamcalls.total,
      leaves: seamcalls.byLeaf,
      elapsedNs,
      phases: phases.map((phase) => ({
        phase: phase.phase,
        seamcalls: phase.seamcalls.total,
        elapsedNs: phase.elapsedNs,
      })),
    })),
  };
}

/** JSON that cannot end its script element. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function scriptText(script: string): string {
  return script.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "\\x3c!--");
}

function section(id: string, heading: string, content: string): string {
  return `<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${heading}</h2>${content}</section>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeXml(item)}</li>`).join("")}</ul>`;
}

function summarySection({ verdicts, notes }: Sheet): string {
  const parts = [
    ...(verdicts.length > 0 ? [list(verdicts)] : []),
    ...(notes.length > 0 ? [`<h3>Notes</h3>${list(notes)}`] : []),
  ];
  return parts.length === 0 ? "" : section("summary", "What it comes to", parts.join(""));
}

function chartSection(result: Result, theme: Theme): string {
  const picture = renderSvg(result, theme);
  return section(
    "charts",
    "Pictures",
    `<div id="controls" hidden></div><div id="drawings"><figure>${picture}</figure></div>`,
  );
}

/** A table that scrolls by itself where the page is too narrow; reached by keyboard as well. */
function tableRegion(name: string, head: string, body: string): string {
  return (
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeXml(name)}">` +
    `<table><thead>${head}</thead><tbody>${body}</tbody></table></div>`
  );
}

function cell({ value, doubt }: SheetCell): string {
  const more =
    doubt === undefined
      ? ""
      : `<br><span class="faint">${escapeXml(`${doubt.range}, ${doubt.basis}`)}</span>`;
  return `<td>${escapeXml(value)}${more}</td>`;
}

function rowOf({ label, place, cells }: SheetRow): string {
  const scope = `<th scope="row" class="${place}">${escapeXml(label)}</th>`;
  return `<tr class="${place}">${scope}${cells.map(cell).join("")}</tr>`;
}

function headOf(names: readonly string[]): string {
  return `<tr>${names.map((name) => `<th scope="col">${escapeXml(name)}</th>`).join("")}</tr>`;
}

function tableSection(sheet: Sheet): string {
  const body = sheet.rows.map(rowOf).join("");
  return section(
    "figures",
    "Counts and times",
    tableRegion("Counts and times", headOf(["", ...sheet.columns]), body),
  );
}

function phaseSection(result: Result, sheet: Sheet): string {
  const rows = result.strategies.flatMap(({ phases }, index) =>
    phases.map(({ phase, seamcalls, elapsedNs }) => {
      const { value, doubt } = durationCell(elapsedNs);
      const cells = [
        formatCount(seamcalls.total),
        value,
        doubt.range,
        doubt.basis,
        Object.entries(seamcalls.byLeaf)
          .map(([leaf, count]) => `${leaf} ${formatCount(count)}`)
          .join(", "),
      ];
      return (
        `<tr><th scope="row">${escapeXml(sheet.columns[index] ?? "")}</th>` +
        `<td class="text">${escapeXml(phase)}</td>` +
        cells
          .map((text, at) => `<td${at < 3 ? "" : ' class="text"'}>${escapeXml(text)}</td>`)
          .join("") +
        "</tr>"
      );
    }),
  );
  const head = headOf([
    "Strategy",
    "Phase",
    "SEAMCALLs",
    "Estimated time",
    "Range",
    "Basis",
    "Leaves",
  ]);
  return section("phases", "Phases", tableRegion("Phases", head, rows.join("")));
}

function configurationSection(result: Result, { facts }: Sheet): string {
  const { td, platform, profile } = result;
  const all: (readonly [string, string])[] = [
    ...facts,
    ["Page size", td.pageSize],
    ["Secure EPT levels", String(td.septLevels)],
    ["LPs per package", String(platform.lps / platform.packages)],
    ["Kernel", result.kernel],
    ["TDX module", result.module],
    ["Cost profile", `${profile.name}, SHA-256 ${profile.sha256}`],
    ["Seed", String(result.seed)],
    ["Made by", `tdx-sim ${result.version}, ${result.command}`],
  ];
  const items = all.map(([name, text]) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(text)}</dd>`);
  return section("configuration", "Configuration", `<dl>${items.join("")}</dl>`);
}
