/** A cost profile in words. */
import type { Cover, Figure, Fit, Per } from "../cost/profile.ts";
import { formatSize } from "../units/size.ts";

const OTHER_FORM = ["base", "slope", "margin", "spread"] as const;

/** The numbers of a fit by name. */
export function namedFigures(fit: Fit): (readonly [string, Figure])[] {
  const { tolerance, toleranceAbove, widening, otherForm } = fit;
  return [
    ["tolerance", tolerance],
    ...(toleranceAbove ? [["tolerance above", toleranceAbove] as const] : []),
    ["widening", widening],
    ...(otherForm ? OTHER_FORM.map((key) => [`other form: ${key}`, otherForm[key]] as const) : []),
  ];
}

/** What a price is for, in words. */
export function perText(per: Per): string {
  switch (per.kind) {
    case "leaf":
      return `each ${per.leaf}${per.pageSize === undefined ? "" : ` on ${per.pageSize}`}`;
    case "group":
      return `each ${per.leaves.join(" + ")}${per.pageSize === undefined ? "" : ` on ${per.pageSize}`}`;
    case "host-work":
      return `each of hostWork ${per.work}`;
    case "with-call":
      return `the host's part of each ${per.leaves.join(" or ")}`;
    case "phase":
      return `once in ${per.phase}`;
    case "failed-call":
      return `each call that returned ${per.status ?? "anything but TDX_SUCCESS"}`;
    case "other-call":
      return "each call of a leaf without a price";
  }
}

/** What a fit was measured on. */
export function rangeText({ phases, range }: Fit): string {
  const { memoryBytes, vcpus, pageSizes } = range;
  return (
    `${phases.join(", ")}: ${formatSize(memoryBytes.low)} to ${formatSize(memoryBytes.high)}, ` +
    `${vcpus.low} to ${vcpus.high} vCPUs, pages of ${pageSizes.join(" and ")}`
  );
}

/** What else a price contains. */
export function coverText({ phase, leaf, pageSize, work }: Cover): string {
  const what = leaf ?? work ?? "everything";
  return `${what}${pageSize === undefined ? "" : ` on ${pageSize}`} in ${phase}`;
}
