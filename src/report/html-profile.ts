import type { Figure, Fit, Profile, Term } from "../cost/profile.ts";
import { formatCount } from "../units/count.ts";
import { coverText, namedFigures, perText, rangeText } from "./profile-text.ts";
import { escapeXml } from "./svg-parts.ts";

/** Where every number of a cost profile comes from, as a section of a page. */
export function profileSection(profile: Profile): string {
  const prices = profile.terms.map((term) => priceItem(term.term, whatItCounts(term), term.price));
  const ranges = profile.fits.map((fit) => {
    return `<li>${escapeXml(`${fit.fit}: ${rangeText(fit)}. ${fit.range.source}`)}</li>`;
  });
  const intro = `${profile.description}. A time is a count times a price; the counts are above.`;
  return (
    '<section id="profile" aria-labelledby="profile-h">' +
    `<h2 id="profile-h">Where every price comes from: ${escapeXml(profile.name)}</h2>` +
    `<p>${escapeXml(intro)}</p><ul class="prices">${prices.join("")}</ul>` +
    (profile.fits.length === 0
      ? ""
      : "<h3>How far the prices were fitted together</h3>" +
        `<ul class="prices">${profile.fits.flatMap(fitItems).join("")}</ul>` +
        `<h3>What was measured</h3><ul>${ranges.join("")}</ul>`) +
    "</section>"
  );
}

function priceItem(name: string, counts: string, figure: Figure): string {
  const { value, low, high, unit, basis, source, conditions } = figure;
  const range = low === high ? "" : ` (${number(low)} to ${number(high)})`;
  return (
    `<li><strong>${escapeXml(name)}</strong>: ${escapeXml(counts)}<br>` +
    `<span class="price">${escapeXml(`${number(value)} ${unit}${range}, ${basis}`)}</span><br>` +
    `<span class="faint">${escapeXml(`${source}. ${conditions}.`)}</span></li>`
  );
}

function number(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : String(value);
}

function whatItCounts({ per, covers = [] }: Term): string {
  const contains = covers.map(coverText).join("; ");
  return contains === "" ? perText(per) : `${perText(per)}; contains ${contains}`;
}

function fitItems(fit: Fit): string[] {
  const sum = `for the sum of ${fit.terms.join(", ")}`;
  return namedFigures(fit).map(([name, figure]) => priceItem(`${fit.fit}: ${name}`, sum, figure));
}
