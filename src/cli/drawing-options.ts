/** Options of commands that draw, and what a run has to remember for the drawings asked for. */
import { type Command, Option } from "commander";
import type { Result } from "../lab/result.ts";
import type { Session } from "../lab/teardown.ts";
import { TraceSession } from "../lab/trace/trace.ts";
import type { Content } from "../report/format.ts";
import { draw, isDrawing, render } from "../report/render.ts";
import { THEME_NAMES, type Theme } from "../report/svg-theme.ts";
import { Failure } from "../units/failure.ts";
import type { OutputOptions, Target } from "./outputs.ts";
import { parsedOption, wholeNumber } from "./parsed-option.ts";

export interface DrawingOptions extends OutputOptions {
  readonly theme?: Theme;
  readonly maxEvents?: number;
}

const MAX_EVENTS_MIN = 100;

/** Adds `--ascii`, `--theme` and `--max-events` to the output options. */
export function addDrawingOptions(command: Command): void {
  addAsciiOption(command);
  addThemeOption(command);
  addMaxEventsOption(command);
}

export function addThemeOption(command: Command): void {
  command.addOption(
    new Option(
      "--theme <theme>",
      "colours of svg and html: the reader's setting (auto), light or dark",
    ).choices(THEME_NAMES),
  );
}

export function addAsciiOption(command: Command): void {
  command.option("--ascii", "draw with ASCII characters, whatever the locale");
}

export function addMaxEventsOption(command: Command): void {
  const text = "about how many slices a perfetto trace has (default 20000)";
  command.addOption(parsedOption("--max-events <n>", text, maxEvents));
}

function maxEvents(text: string): number {
  const number = wholeNumber(text);
  if (number >= MAX_EVENTS_MIN) return number;
  throw new Failure("usage", `"${text}" is below ${MAX_EVENTS_MIN}`);
}

/** What one run is drawn as. */
export class Drawings {
  readonly #options: DrawingOptions;
  readonly #recording: TraceSession | null;

  /** @param isTraced the command draws a trace on stdout, whatever is exported */
  constructor(options: DrawingOptions, isTraced = false) {
    this.#options = options;
    const wanted = options.export?.some(({ format }) => format === "perfetto") === true;
    this.#recording = wanted || isTraced ? new TraceSession() : null;
  }

  /** The session, its SEAMCALLs recorded where a drawing needs them. */
  watch(session: Session): Session {
    const recording = this.#recording;
    return recording === null ? session : { ...session, observe: recording.observe };
  }

  /** For `Outputs.deliver`. */
  async render(
    result: Result,
    { profile }: Pick<Session, "profile">,
    target: Target,
  ): Promise<Content> {
    const { format } = target;
    if (format === "mermaid") throw new Error("a result has no format mermaid");
    if (!isDrawing(format)) return render([result], { ...target, format });
    const { theme = "auto", maxEvents } = this.#options;
    return draw(result, format, {
      profile,
      theme,
      trace: this.#recording?.trace(result, profile) ?? null,
      maxEvents,
    });
  }
}
