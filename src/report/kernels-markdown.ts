import { SOURCES } from "../kvm/generations/sources.ts";
import type { KernelFacts, KernelsDocument } from "../lab/kernel-facts.ts";
import { escapeText, markdownTable } from "./markdown-text.ts";

/** docs/kernels.md: the data that the generations run on, every number with its source. */
export function kernelsMarkdown({ kernels }: KernelsDocument): string {
  return `${[
    "# Kernel generations",
    "",
    "Made by `npm run docs:kernels` from the data that the simulated kernels run on; change",
    "`src/kvm/generations`, not this file. Sections are those of the project's reference on KVM's",
    "teardown (kvm-teardown); keys such as V16-020 or K616 name mails and trees listed there.",
    "INFERRED and UNCONFIRMED mark what was not read off a kernel.",
    "",
    "## Side by side",
    "",
    "SEAMCALLs of a finalized TD for each private page of 4 KiB and of 2 MiB, and for the TD besides:",
    "S Secure EPT pages, V vCPUs, X TDVPX pages a vCPU, C TDCX pages, P packages.",
    "",
    ...markdownTable(
      [
        "kernel",
        "status",
        "per 4 KiB",
        "per 2 MiB",
        "per TD",
        "retries",
        "errno",
        "leaks",
        "source",
      ],
      kernels.map(summaryRow),
    ),
    "",
    ...kernels.flatMap((facts, i) => chapter(facts, nearest(facts, kernels.slice(0, i)))),
    "## Sources",
    "",
    ...markdownTable(
      ["key", "what"],
      Object.entries(SOURCES).filter(([key]) => isUsed(kernels, key)),
    ),
    "",
  ].join("\n")}`;
}

/** Whether any source names the key, and not only a longer one. */
function isUsed(kernels: readonly KernelFacts[], key: string): boolean {
  const names = JSON.stringify(kernels).split(/[ ;,"]/);
  return names.includes(key);
}

/** One row says all of a generation: what differs between strategies stands behind their names. */
function summaryRow(facts: KernelFacts): string[] {
  const { kernel, status, strategies, retries, lacks, rules, leaks, section, source } = facts;
  const by = (value: (each: KernelFacts["strategies"][number]) => string | number): string =>
    grouped(strategies.map((each) => [String(value(each)), each.strategy]));
  const refusals = [
    ...lacks.map((strategy) => `${strategy} -EINVAL`),
    ...rules.filter(isOfTeardown).map(({ ioctl, errno, when }) => `${ioctl} -${errno}: ${when}`),
  ];
  const calls = retries.filter(({ call }) => TEARDOWN_CALLS.some((leaf) => call.startsWith(leaf)));
  return [
    kernel,
    status,
    by(({ perSmallLeaf }) => perSmallLeaf),
    by(({ perLargeLeaf }) => perLargeLeaf),
    by(({ perTd }) => perTd),
    grouped(calls.map(({ call, retries: how }) => [how, call.replace(/^TDH\.\w+\./, "")])),
    refusals.join("; "),
    leaks.join("; "),
    `${section}; ${source}`,
  ];
}

/** Equal values once, each behind the names that have it; no name where all have the same. */
function grouped(pairs: readonly (readonly [value: string, name: string])[]): string {
  const values = [...new Set(pairs.map(([value]) => value))];
  if (values.length === 1) return values[0] ?? "";
  const names = (value: string): string =>
    pairs.flatMap(([each, name]) => (each === value ? [name] : [])).join(", ");
  return values.map((value) => `${names(value)}: ${value}`).join("; ");
}

const TEARDOWN_CALLS = [
  "TDH.MEM.RANGE.BLOCK",
  "TDH.MEM.TRACK",
  "TDH.MEM.PAGE.REMOVE",
  "TDH.PHYMEM",
  "TDH.MNG.VPFLUSHDONE",
];

function isOfTeardown({ ioctl }: KernelFacts["rules"][number]): boolean {
  return /RELEASE_VM|TERMINATE_VM/.test(ioctl);
}

/** The earlier generation that has most in common with this one, if that is most of it. */
function nearest(facts: KernelFacts, earlier: readonly KernelFacts[]): KernelFacts | null {
  let found: KernelFacts | null = null;
  for (const other of earlier) {
    const shared = sharedItems(facts, other);
    const isMost = shared * 2 > facts.rules.length + facts.retries.length;
    if (isMost && (found === null || shared > sharedItems(facts, found))) found = other;
  }
  return found;
}

function sharedItems(facts: KernelFacts, other: KernelFacts): number {
  return items(facts).filter((item) => items(other).includes(item)).length;
}

function items({ rules, retries }: KernelFacts): string[] {
  return [...rules, ...retries].map((item) => JSON.stringify(item));
}

function chapter(facts: KernelFacts, base: KernelFacts | null): string[] {
  const { kernel, title, status, statusNote, section, source, pageSizes, clears } = facts;
  return [
    `## ${kernel}`,
    "",
    `${title}. Status: ${status}, ${statusNote}. Source: ${section}; ${source}.`,
    "",
    `Maps private memory with pages of ${pageSizes.join(" and ")}. ${CLEARS[clears]}`,
    "",
    ...facts.strategies.map(({ strategy, trigger }) => `- \`${strategy}\`: ${trigger}`),
    "",
    "### Commands and errno",
    "",
    ...markdownTable(
      ["id", "command", "file descriptor"],
      facts.commands.map(({ id, name, scope }) => [String(id), name, scope]),
    ),
    "",
    ...ruleLines(facts, base),
    "",
    "### Retries",
    "",
    ...retryLines(facts, base),
    "",
    "### Leaks",
    "",
    ...facts.leaks.map((leak) => `- ${leak}`),
    "",
    "### Not read off the kernel",
    "",
    ...facts.doubts.map(({ mark, about, source: from }) => `- ${mark}: ${about} (${from})`),
    "",
  ];
}

function ruleLines({ rules }: KernelFacts, base: KernelFacts | null): string[] {
  const known = (base?.rules ?? []).map((rule) => JSON.stringify(rule));
  const own = rules.filter((rule) => !known.includes(JSON.stringify(rule)));
  const now = rules.map((rule) => JSON.stringify(rule));
  const gone = (base?.rules ?? []).filter((rule) => !now.includes(JSON.stringify(rule)));
  const rows = own.map(({ ioctl, errno, when, source, mark }) => [
    ioctl,
    `-${errno}`,
    mark === undefined ? when : `${when} (${mark})`,
    source,
  ]);
  return [
    ...(base === null
      ? []
      : [`Errno as ${base.kernel}${rows.length === 0 ? "." : ", and besides:"}`, ""]),
    ...(rows.length === 0 ? [] : markdownTable(["ioctl", "errno", "when", "source"], rows)),
    ...gone.flatMap(({ ioctl, errno, when }) => [
      "",
      escapeText(`Without ${ioctl} -${errno}: ${when}.`),
    ]),
  ];
}

function retryLines({ retries }: KernelFacts, base: KernelFacts | null): string[] {
  const known = (base?.retries ?? []).map((each) => JSON.stringify(each));
  const own = retries.filter((each) => !known.includes(JSON.stringify(each)));
  const rows = own.map(({ call, retries: how }) => [call, how]);
  if (base !== null && rows.length === 0) return [`As ${base.kernel}.`];
  const head = base === null ? [] : [`As ${base.kernel}, but:`, ""];
  return [...head, ...markdownTable(["call", "repeated"], rows)];
}

const CLEARS = {
  always: "A page that comes back is cleared with MOVDIR64B.",
  "with-pw-mce": "A page that comes back is cleared only on CPUs with X86\\_BUG\\_TDX\\_PW\\_MCE.",
  never: "A page that comes back is not cleared.",
} as const;
