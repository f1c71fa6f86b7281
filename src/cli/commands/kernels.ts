import type { Command } from "commander";
import { type KernelFacts, kernelsDocument } from "../../lab/kernel-facts.ts";
import { findGeneration } from "../../lab/kernels.ts";
import { kernelsMarkdown } from "../../report/kernels-markdown.ts";
import { alignColumns, wrapText } from "../../report/layout.ts";
import type { FlatRow } from "../../report/rows.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";
import { RECORD_FORMATS, recordsDocument } from "../records.ts";

type Options = GlobalOptions & OutputOptions;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "List the kernel generations with their strategies, status and source. With a name: its\n" +
      "commands, errno and retries too, and what of it is not read off the kernel.",
    ["kernels", "kernels v6.16", "kernels --format markdown"],
  );
  command.argument("[kernel]", "one generation in full");
  addOutputOptions(command, RECORD_FORMATS);
  command.action((kernel?: string) => kernels(cli, kernel, command.optsWithGlobals<Options>()));
}

async function kernels(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  if (name !== undefined) findGeneration(name);
  await withOutputs(cli.console, options, async (outputs) => {
    const document = kernelsDocument(name === undefined ? undefined : [name]);
    const [only] = document.kernels;
    const records = recordsDocument({
      json: document,
      rowSchema: "kernel-row",
      rows: document.kernels.flatMap(rowsOf),
      table: ({ width }) =>
        name === undefined || only === undefined
          ? list(document.kernels, width)
          : sheet(only, width),
    });
    await outputs.deliver((target) =>
      target.format === "markdown" ? kernelsMarkdown(document) : records(target),
    );
  });
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
