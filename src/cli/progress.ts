import { formatCount } from "../units/count.ts";
import type { Console, OutputStream } from "./console.ts";

export type ProgressOption = "auto" | "always" | "never";

/** Work that ends sooner is not worth a bar. */
const SHOW_AFTER_MS = 300;
const LINE_EACH_PERCENT = 10;

/** What has been done of what; `phase` names the part at work. */
export type OnProgress = (done: number, total: number, phase: string) => void;

export interface Progress {
  readonly onProgress: OnProgress;
  /** Takes the bar away and gives the cursor back. */
  stop(): void;
}

const SILENT: Progress = { onProgress: () => {}, stop: () => {} };

/**
 * Shows how far long work has come, on stderr: a bar on a terminal, with `always` elsewhere a
 * line for each tenth.
 */
export function startProgress(console: Console, option: ProgressOption): Progress {
  if (option === "never" || console.quiet) return SILENT;
  const isTerminal = console.stderr.isTTY === true && console.environment["TERM"] !== "dumb";
  if (isTerminal) return startBar(console.stderr, option === "always" ? 0 : SHOW_AFTER_MS);
  return option === "always" ? startLines(console) : SILENT;
}

function startLines(console: Console): Progress {
  let phaseAtWork = "";
  let told = 0;
  const onProgress: OnProgress = (done, total, phase) => {
    if (phase !== phaseAtWork) {
      phaseAtWork = phase;
      told = 0;
    }
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    const step = percent - (percent % LINE_EACH_PERCENT);
    if (step <= told) return;
    told = step;
    console.note(`${phase}: ${step} %, ${formatCount(done)} of ${formatCount(total)}`);
  };
  return { onProgress, stop: () => {} };
}

interface Bar {
  start(total: number, done: number, payload: object): void;
  setTotal(total: number): void;
  update(done: number, payload: object): void;
  stop(): void;
}

function startBar(stream: OutputStream, afterMs: number): Progress {
  const begun = performance.now();
  let bar: Bar | "loading" | undefined;
  let stopped = false;
  const stop = (): void => {
    if (!stopped && typeof bar === "object") bar.stop();
    stopped = true;
    process.off("exit", stop);
  };
  const onProgress: OnProgress = (done, total, phase) => {
    if (typeof bar === "object" && !stopped) {
      bar.setTotal(total);
      bar.update(done, { phase });
    } else if (bar === undefined && performance.now() - begun >= afterMs) {
      bar = "loading";
      void newBar(stream).then((loaded) => {
        if (stopped) return;
        bar = loaded;
        // However the process ends, the cursor comes back.
        process.on("exit", stop);
        loaded.start(total, done, { phase });
      });
    }
  };
  return { onProgress, stop };
}

async function newBar(stream: OutputStream): Promise<Bar> {
  const { SingleBar } = await import("cli-progress");
  return new SingleBar({
    stream: stream as unknown as NodeJS.WritableStream,
    format: "{phase} [{bar}] {percentage} % of {total}",
    formatValue: (value, _, type) => (type === "total" ? formatCount(value) : String(value)),
    barsize: 30,
    barCompleteChar: "#",
    barIncompleteChar: ".",
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
    linewrap: null,
  });
}
