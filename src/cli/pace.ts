/** `--pace`: plays a teardown's estimated time on the terminal, faster than it would be. */
import type { Command } from "commander";
import type { EstimatedInterval, Result } from "../lab/result.ts";
import { formatCount } from "../units/count.ts";
import { formatDuration, formatEstimate } from "../units/duration.ts";
import { Failure } from "../units/failure.ts";
import type { OutputStream } from "./console.ts";
import type { Cli } from "./invocation.ts";
import { parsedOption } from "./parsed-option.ts";
import { Interrupted, type StopSignals } from "./signals.ts";
import { type Frame, timeline } from "./timeline.ts";

export interface PaceOptions {
  /** Estimated seconds for each second of playing. */
  readonly pace?: number;
}

const FRAME_MS = 50;
const BAR_COLUMNS = 24;

export function addPaceOption(command: Command): void {
  const text = "play the estimated time on the terminal, for example 1000x as fast";
  command.addOption(parsedOption("--pace <speed>", text, parsePace));
}

/** `1000x`, `1.5x`, `60`. */
export function parsePace(text: string): number {
  const speed = Number(/^(\d{1,9}(?:\.\d{1,6})?)x?$/.exec(text)?.[1] ?? Number.NaN);
  if (speed > 0) return speed;
  throw new Failure("usage", `"${text}" is no speed`, { hint: "for example --pace 1000x" });
}

/**
 * Plays the result's first strategy on stderr until its end; a signal stops it. Where there is no
 * terminal nothing is played, and a note says so. However it ends, the cursor comes back.
 *
 * @returns what to throw once the result is delivered, when it was stopped: the teardown is done,
 *   and nothing of it may be lost
 */
export async function play(cli: Cli, result: Result, pace: number): Promise<Interrupted | null> {
  const { console, signals } = cli;
  if (console.quiet) return null;
  if (console.stderr.isTTY !== true || console.environment["TERM"] === "dumb") {
    console.note("note: --pace needs a terminal on stderr; nothing is played");
    return null;
  }
  const { elapsedNs, at } = timeline(result);
  const head = headline(result, elapsedNs, pace);
  console.note(head);
  const screen = await openScreen(console.stderr, at(0));
  const begun = performance.now();
  try {
    for (let frame = at(0); !frame.over; frame = at((performance.now() - begun) * 1e6 * pace)) {
      screen.show(frame);
      await pause(FRAME_MS, signals);
      if (signals.received !== null) {
        return new Interrupted(
          signals.received,
          "stopped playing; the teardown itself is complete",
        );
      }
    }
    screen.show(at(Number.POSITIVE_INFINITY));
    return null;
  } finally {
    screen.close();
  }
}

function headline(result: Result, elapsedNs: EstimatedInterval, pace: number) {
  const strategy = result.strategies[0]?.strategy ?? "";
  return (
    `SIMULATED ${strategy}, cost profile ${result.profile.name}: ` +
    `${formatEstimate(elapsedNs)}, played ${pace}x as fast`
  );
}

/** Waits, or until a signal comes. */
function pause(ms: number, signals: StopSignals): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    const forget = signals.onStop(done);
    function done(): void {
      clearTimeout(timer);
      forget();
      resolve();
    }
  });
}

interface Screen {
  show(frame: Frame): void;
  close(): void;
}

/** A line with clock, SEAMCALLs and pages left, and a bar for each phase. */
async function openScreen(stream: OutputStream, first: Frame): Promise<Screen> {
  const { MultiBar } = await import("cli-progress");
  const bars = new MultiBar({
    stream: stream as unknown as NodeJS.WritableStream,
    format: "  {phase} [{bar}] {percentage} %  {calls}",
    barsize: BAR_COLUMNS,
    barCompleteChar: "#",
    barIncompleteChar: ".",
    clearOnComplete: false,
    hideCursor: true,
    gracefulExit: false,
    // Lines that are too long for the terminal are cut, not broken: the bars stay in place.
    linewrap: false,
    autopadding: true,
    fps: 1000 / FRAME_MS,
  });
  const close = (): void => {
    bars.stop();
    process.off("exit", close);
  };
  // However the process ends, the cursor comes back.
  process.on("exit", close);
  const width = Math.max(...first.phases.map(({ phase }) => phase.length));
  const clock = bars.create(1, 0, clockLine(first), { format: CLOCK_FORMAT });
  const rows = first.phases.map((phase) => {
    const payload = { phase: phase.phase.padEnd(width), calls: calls(phase) };
    return bars.create(Math.max(phase.total, 1), 0, payload);
  });
  return {
    show(frame) {
      clock.update(frame.over ? 1 : 0, clockLine(frame));
      for (const [index, phase] of frame.phases.entries()) {
        const done = phase.total === 0 ? 1 : phase.done;
        rows[index]?.update(done, { calls: calls(phase) });
      }
    },
    close,
  };
}

const CLOCK_FORMAT = "  estimated clock {clock}, {seamcalls} SEAMCALLs, {pages} pages left";

function clockLine({ clock, seamcalls, pagesLeft }: Frame): object {
  return {
    clock: formatDuration(clock),
    seamcalls: formatCount(seamcalls),
    pages: formatCount(pagesLeft),
  };
}

function calls({ done, total }: { readonly done: number; readonly total: number }): string {
  return `${formatCount(done)} of ${formatCount(total)}`;
}
