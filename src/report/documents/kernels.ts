import type { KernelFacts, KernelsDocument } from "../../lab/kernel-facts.ts";
import { kernelsMarkdown } from "../kernels-markdown.ts";
import { alignColumns, wrapText } from "../layout.ts";
import type { FlatRow } from "../rows.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/**
 * `tdx-sim/kernels/v1`, a row for each strategy; as Markdown docs/kernels.md.
 *
 * @param isOne whether one generation was asked for, and is told in full
 */
export function renderKernels(document: KernelsDocument, isOne: boolean): RecordsDocument {
  const { kernels } = document;
  const records = recordsDocument({
    json: document,
    rowSchema: "kernel-row",
    rows: kernels.flatMap(rowsOf),
    table: ({ width }) =>
      isOne ? kernels.flatMap((facts) => sheet(facts, width)) : list(kernels, width),
  });
  return (look) => (look.format === "markdown" ? kernelsMarkdown(document) : records(look));
}

function rowsOf(facts: KernelFacts): FlatRow[] {
  const { kernel, title, status, statusNote, section, source, strategies } = facts;
  return strategies.map((each) => ({
    kernel,
    title,
    status,
    statusNote,
    strategy: each.strategy,
    trigger: each.trigger,
    "perPage.4K": each.perSmallLeaf,
    "perPage.2M": each.perLargeLeaf,
    perTd: each.perTd,
    pageSizes: facts.pageSizes.join(" "),
    clears: facts.clears,
    section,
    source,
  }));
}

function list(all: readonly KernelFacts[], width: number): string[] {
  const rows = all.map(({ kernel, status, strategies }) => [
    kernel,
    status,
    strategies.map(({ strategy }) => strategy).join(", "),
  ]);
  const lines = alignColumns([["kernel", "status", "strategies"], ...rows], { aligns: [] });
  return lines.flatMap((line, i) => {
    const facts = all[i - 1];
    if (facts === undefined) return [line];
    const { title, statusNote, section } = facts;
    return [line, ...wrapText(`${title}; ${statusNote} (${section})`, width, "    ")];
  });
}

function sheet(facts: KernelFacts, width: number): string[] {
  const { kernel, title, status, statusNote, section, source, pageSizes, clears } = facts;
  return [
    ...wrapText(`${kernel}: ${title}`, width),
    ...wrapText(`Status: ${status}, ${statusNote}`, width),
    ...wrapText(`Source: ${section}; ${source}`, width),
    `Pages: ${pageSizes.join(" and ")}; cleared: ${clears.replaceAll("-", " ")}`,
    "",
    "Strategies: SEAMCALLs of a finalized TD for each private page of 4K and 2M, and besides",
    ...alignColumns(
      facts.strategies.map((each) => [
        each.strategy,
        String(each.perSmallLeaf),
        String(each.perLargeLeaf),
        each.perTd,
      ]),
      { aligns: ["left", "right", "right", "left"], indent: 2 },
    ),
    ...facts.strategies.flatMap(({ strategy, trigger }) =>
      wrapText(`${strategy}: ${trigger}`, width, "  "),
    ),
    "",
    "Commands of KVM_MEMORY_ENCRYPT_OP",
    ...alignColumns(
      facts.commands.map(({ id, name, scope }) => [String(id), name, scope]),
      { aligns: ["right", "left", "left"], indent: 2 },
    ),
    ...part(
      "Errno",
      facts.rules.map(({ ioctl, errno, when, source: from, mark }) => {
        const doubt = mark === undefined ? "" : `, ${mark}`;
        return `-${errno} of ${ioctl}: ${when} (${from}${doubt})`;
      }),
      width,
    ),
    ...part(
      "Retries",
      facts.retries.map(({ call, retries }) => `${call}: ${retries}`),
      width,
    ),
    ...part("Leaks", facts.leaks, width),
    ...part(
      "Not read off the kernel",
      facts.doubts.map(({ mark, about, source: from }) => `${mark}: ${about} (${from})`),
      width,
    ),
  ];
}

function part(title: string, items: readonly string[], width: number): string[] {
  if (items.length === 0) return [];
  return ["", title, ...items.flatMap((item) => wrapText(item, width, "  - "))];
}
