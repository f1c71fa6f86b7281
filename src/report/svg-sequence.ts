import type { ExplainedCall, ExplainedStep, ExplainedStrategy } from "../lab/explain-strategy.ts";
import { wrapText } from "./layout.ts";
import { WORK } from "./procedure.ts";
import { at, CONTENT_LEFT, CONTENT_TOP, element, label, picture, told } from "./svg-parts.ts";
import type { Theme } from "./svg-theme.ts";

const WIDTH = 880;
/** Where the life lines stand. */
const USER = 80;
const KVM = 300;
const MODULE = 800;
const LINE = 16;
const BELOW_TEXT = 6;
const LOOP_GAP = 8;
/** Characters between the life lines of KVM and the module, and of a note. */
const CALL_CHARACTERS = 66;
const NOTE_CHARACTERS = 74;
const LEGEND_CHARACTERS = 124;

/** What has been drawn so far, from top to bottom. */
interface Drawn {
  readonly parts: string[];
  y: number;
}

/**
 * The steps of a strategy as a sequence diagram: user space, KVM and the TDX module, each call
 * with the formula of its count. It has no time axis: only the order counts.
 *
 * @param id sets its identifiers apart from those of other pictures of a page
 */
export function renderSequenceSvg(
  explained: ExplainedStrategy,
  theme: Theme = "auto",
  id = "sequence",
): string {
  const { strategy, kernel, command, trigger, steps } = explained;
  const drawn: Drawn = { parts: [], y: CONTENT_TOP + 34 };
  arrow(drawn, USER, KVM, wrapText(command ?? trigger, 32));
  for (const [index, step] of steps.entries()) {
    if (steps[index - 1]?.inIoctl === true && !step.inIoctl) {
      arrow(drawn, KVM, USER, ["0"]);
      arrow(drawn, USER, KVM, ["close()"]);
    }
    drawStep(drawn, step, index + 1);
  }
  const bottom = drawn.y + 12;
  const legend = wrapText(`In the formulas: ${explained.legend}`, LEGEND_CHARACTERS);
  return picture(
    {
      id,
      title: `SIMULATED ${strategy} in ${kernel}, step by step`,
      provenance: "The order of the calls and how often each is made; no time axis",
      description: describe(explained),
    },
    { width: WIDTH, height: bottom + 14 + legend.length * LINE },
    theme,
    lifeLines(bottom) + drawn.parts.join("") + legendLines(legend, bottom + 8),
  );
}

function legendLines(lines: readonly string[], top: number): string {
  return lines
    .map((line, index) => {
      return label(line, { class: "small faint", x: CONTENT_LEFT, y: top + (index + 1) * LINE });
    })
    .join("");
}

function lifeLines(bottom: number): string {
  const top = CONTENT_TOP + 22;
  return (
    [
      ["user space", USER],
      ["KVM", KVM],
      ["TDX module", MODULE],
    ] as const
  )
    .map(
      ([name, x]) =>
        label(name, { class: "strong", x, y: CONTENT_TOP + 14, "text-anchor": "middle" }) +
        element("path", { class: "life", d: `M${x} ${at(top)}V${at(bottom)}` }),
    )
    .join("");
}

function drawStep(drawn: Drawn, step: ExplainedStep, number: number): void {
  const locks = step.locks.length === 0 ? "no lock of the MMU" : step.locks.join(", ");
  drawn.y += 10;
  note(drawn, wrapText(`${number}. ${step.title} [${step.phase}]`, NOTE_CHARACTERS), "strong");
  note(drawn, wrapText(`holds: ${locks}`, NOTE_CHARACTERS), "faint");
  // Leaves and tables are many, and every call is made for one before the next comes.
  const isLoop = /-(?:leaves|tables)$/.test(step.step) && step.calls.length > 1;
  if (isLoop) drawn.y += LOOP_GAP;
  const top = drawn.y;
  if (isLoop) note(drawn, ["page by page:"], "faint");
  for (const call of step.calls) drawCall(drawn, call);
  for (const { work, formula } of step.hostWork) {
    note(drawn, wrapText(`${WORK[work]} x ${formula}`, NOTE_CHARACTERS), "");
  }
  if (!isLoop) return;
  const place = {
    x: KVM - 12,
    y: top,
    width: MODULE - KVM + 24,
    height: drawn.y - top + 8,
    rx: 4,
  };
  drawn.parts.push(element("rect", { class: "frame", ...place }));
  drawn.y += 12;
}

function drawCall(drawn: Drawn, { leaf, formula, retries, source }: ExplainedCall): void {
  const before = drawn.parts.length;
  arrow(drawn, KVM, MODULE, wrapText(`${leaf} x ${formula}`, CALL_CHARACTERS));
  const own = drawn.parts.splice(before).join("");
  drawn.parts.push(told(`${leaf}: ${retries} (${source})`, own));
}

/** Text to the right of KVM's life line. */
function note(drawn: Drawn, lines: readonly string[], style: string): void {
  for (const line of lines) {
    drawn.y += LINE;
    drawn.parts.push(label(line, { class: `small ${style}`.trim(), x: KVM + 10, y: drawn.y }));
  }
}

/** An arrow with its text above. */
function arrow(drawn: Drawn, from: number, to: number, lines: readonly string[]): void {
  const middle = (from + to) / 2;
  for (const line of lines) {
    drawn.y += LINE;
    const place = { x: middle, y: drawn.y, "text-anchor": "middle" };
    drawn.parts.push(label(line, { class: "small", ...place }));
  }
  drawn.y += BELOW_TEXT;
  const y = drawn.y;
  const back = to > from ? -8 : 8;
  drawn.parts.push(
    element("path", { class: "arrow", d: `M${from} ${at(y)}H${to}` }),
    element("path", { class: "head", d: `M${to} ${at(y)}l${back} -4v8z` }),
  );
  drawn.y += 4;
}

function describe({ steps }: ExplainedStrategy): string {
  return steps
    .map(({ title, calls }, index) => {
      const made = calls.map(({ leaf, formula }) => `${leaf} x ${formula}`).join(", ");
      return `${index + 1}. ${title}: ${made}.`;
    })
    .join(" ");
}
