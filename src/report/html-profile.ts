import type { Cover, Figure, Fit, MeasuredRange, Per, Profile, Term } from "../cost/profile.ts";
import { formatCount } from "../units/count.ts";
import { formatSize } from "../units/size.ts";
import { escapeXml } from "./svg-parts.ts";

const WORK_NAMES = {
  pageClears4K: "4 KiB cleared",
  ipis: "IPI",
  vcpuKicks: "vCPU kicked",
} as const;

/** Where every number of a cost profile comes from, as a section of a page. */
export function profileSection(profile: Profile): string {
  const prices = profile.terms.map((term) => priceItem(term.term, whatItCounts(term), term.price));
  const ranges = profile.fits.map((fit) => {
    return `<li>${escapeXml(`${fit.fit}: ${rangeInWords(fit.range)}`)}</li>`;
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
  const contains = covers.map(coverInWords).join("; ");
  return contains === "" ? perInWords(per) : `${perInWords(per)}; contains ${contains}`;
}

function perInWords(per: Per): string {
  switch (per.kind) {
    case "leaf":
      return `each ${per.leaf}${sized(per.pageSize)}`;
    case "group":
      return `each of these together${sized(per.pageSize)}: ${per.leaves.join(", ")}`;
    case "host-work":
      return `each ${WORK_NAMES[per.work]}`;
    case "with-call":
      return `beside each ${per.leaves.join(" and ")}`;
    case "phase":
      return `once in ${per.phase}`;
    case "failed-call":
      return per.status === undefined ? "each other failed call" : `each call with ${per.status}`;
    case "other-call":
      return "each call that nothing else prices";
  }
}

function sized(pageSize: string | undefined): string {
  return pageSize === undefined ? "" : ` of ${pageSize}`;
}

function coverInWords({ phase, leaf, pageSize, work }: Cover): string {
  if (work !== undefined) return `${WORK_NAMES[work]} in ${phase}`;
  return leaf === undefined ? `all of ${phase}` : `${leaf}${sized(pageSize)} in ${phase}`;
}

function fitItems({ fit, terms, tolerance, widening, otherForm }: Fit): string[] {
  const sum = `on the sum of ${terms.join(", ")}`;
  const items = [
    priceItem(`${fit}: tolerance`, sum, tolerance),
    priceItem(`${fit}: widening`, "for each doubling outside what was measured", widening),
  ];
  if (otherForm === undefined) return items;
  const { base, slope, margin, spread, term, pagesLeaf } = otherForm;
  return [
    ...items,
    priceItem(`${term}: base`, `a second curve, for each ${pagesLeaf}`, base),
    priceItem(`${term}: slope`, "how it grows with the TD", slope),
    priceItem(`${term}: margin`, "on the upper curve", margin),
    priceItem(`${term}: spread`, "highest estimate to lowest, at most", spread),
  ];
}

function rangeInWords({ memoryBytes, vcpus, pageSizes, source }: MeasuredRange): string {
  const memory = `${formatSize(memoryBytes.low)} to ${formatSize(memoryBytes.high)}`;
  return `${vcpus.low} to ${vcpus.high} vCPUs, ${memory}, pages of ${pageSizes.join(", ")}. ${source}`;
}
