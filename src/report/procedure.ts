import type { ExplainedStep, ExplainedStrategy } from "../lab/explain-strategy.ts";
import { escapeControls } from "./control-characters.ts";
import { alignColumns, wrapText } from "./layout.ts";

/** What a kernel does besides SEAMCALLs. */
export const WORK = {
  pageClears4K: "pages of 4 KiB cleared",
  ipis: "synchronous IPIs",
  vcpuKicks: "vCPU kicks, waited for",
} as const;

/** How a strategy goes, for people: what starts it, its steps with locks and counts, its doubts. */
export function procedureSheet(explained: ExplainedStrategy, width: number): string[] {
  const { kernel, strategy, status, trigger, steps, doubts, notModelled, whatIf } = explained;
  const lines = [
    ...wrapText(`SIMULATED ${strategy} in ${kernel} (${status})`, width),
    ...wrapText(`Started by: ${trigger}`, width),
    ...wrapText(`Source: ${explained.source}`, width),
    ...wrapText(`In the formulas: ${explained.legend}`, width),
    ...whatIf.flatMap(({ name, reliesOn }) =>
      wrapText(`What-if ${name}, which no kernel has. It relies on this: ${reliesOn}`, width),
    ),
    "",
    ...sequence(explained),
    ...steps.flatMap((step, i) => ["", ...stepLines(step, i + 1, explained.command, width)]),
    ...section("Not modelled", notModelled, width),
    ...section(
      "Not read off the kernel",
      doubts.map(({ mark, about, source }) => `${mark}: ${about} (${source})`),
      width,
    ),
  ];
  return lines.map(escapeControls);
}

function section(title: string, items: readonly string[], width: number): string[] {
  if (items.length === 0) return [];
  return ["", title, ...items.flatMap((item) => wrapText(item, width, "- "))];
}

function stepLines(
  step: ExplainedStep,
  number: number,
  command: string | null,
  width: number,
): string[] {
  const where = step.inIoctl ? `inside ${command ?? "the ioctl"}` : "outside of any TDX ioctl";
  const locks = step.locks.length === 0 ? "no lock of the MMU" : step.locks.join(" > ");
  const rows = step.calls.map(({ leaf, formula }) => [leaf, formula]);
  const work = step.hostWork.map((each) => [WORK[each.work], each.formula]);
  const details = step.calls.flatMap(({ leaf, retries, moduleLocks, source }) => {
    const locked = moduleLocks === "" ? "" : `; locks ${moduleLocks}`;
    return wrapText(`${leaf}: ${retries}${locked} (${source})`, width, "    ");
  });
  return [
    ...wrapText(`${number}. ${step.title} [${step.phase}], ${where}`, width),
    ...wrapText(`Holds: ${locks}`, width, "   "),
    ...alignColumns([...rows, ...work], { aligns: ["left", "left"], indent: 3 }),
    ...details,
  ];
}

/** The sequence diagram in text: who calls whom, one line a call, loops marked. */
function sequence({ command, trigger, steps }: ExplainedStrategy): string[] {
  const lines = [`user space   ${command ?? trigger}`];
  for (const [i, step] of steps.entries()) {
    const before = steps[i - 1];
    if (before?.inIoctl === true && !step.inIoctl) lines.push("user space   close()");
    lines.push(`  KVM        ${step.title}`);
    for (const { leaf, formula } of step.calls) lines.push(`    module     ${leaf} x ${formula}`);
  }
  return lines;
}

/** The same as a Mermaid sequence diagram. */
export function procedureMermaid(explained: ExplainedStrategy): string {
  const { kernel, strategy, command, trigger, steps } = explained;
  const lines = [
    "---",
    `title: "${text(`${strategy} in ${kernel}, simulated by tdx-sim`)}"`,
    "---",
    "sequenceDiagram",
    "  participant U as User space",
    "  participant K as KVM",
    "  participant M as TDX module",
    `  U->>K: ${text(command ?? trigger)}`,
  ];
  for (const [i, step] of steps.entries()) {
    const before = steps[i - 1];
    if (before?.inIoctl === true && !step.inIoctl) {
      lines.push("  K-->>U: 0", "  U->>K: close()");
    }
    lines.push(`  Note over K: ${text(step.title)}`);
    if (step.locks.length > 0) lines.push(`  Note right of K: ${text(step.locks.join(", "))}`);
    lines.push(...callLines(step));
  }
  lines.push("  K-->>U: done");
  return `${lines.join("\n")}\n`;
}

/** Calls made page by page stand in one loop; the others by themselves. */
function callLines({ step, calls }: ExplainedStep): string[] {
  const arrows = calls.map(({ leaf, formula }) => `K->>M: ${leaf} x ${text(formula)}`);
  const isLooped = step !== "release-hkid" && step !== "reclaim-td" && arrows.length > 1;
  if (!isLooped) return arrows.map((arrow) => `  ${arrow}`);
  return [`  loop ${text(loopOf(step))}`, ...arrows.map((arrow) => `    ${arrow}`), "  end"];
}

function loopOf(step: ExplainedStep["step"]): string {
  return step === "remove-leaves" ? "leaf by leaf" : "page by page";
}

/** Mermaid ends a statement at a semicolon and begins a comment at two percent signs. */
function text(words: string): string {
  return escapeControls(words).replaceAll(";", ",").replaceAll("%%", "%").replaceAll("#", "no. ");
}
