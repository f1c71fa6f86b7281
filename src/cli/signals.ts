import { EXIT_SIGNAL } from "./exit-codes.ts";

export type StopSignal = keyof typeof EXIT_SIGNAL;

/** Thrown by a command that ended early because it was asked to. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: StopSignal;
  readonly hint: string | undefined;

  /**
   * @param what what was interrupted and what is left, for the user
   * @param hint how to go on, if there is a way
   */
  constructor(signal: StopSignal, what: string, hint?: string) {
    super(what);
    this.signal = signal;
    this.hint = hint;
  }
}

/**
 * Listens for the signals that ask a command to stop. The first is a request, which work serves
 * between two SEAMCALLs; the second ends the process at once.
 */
export class StopSignals {
  #received: StopSignal | null = null;
  readonly #listeners = new Set<(signal: StopSignal) => void>();

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const stop = signal as StopSignal;
    if (this.#received !== null) process.exit(EXIT_SIGNAL[stop]);
    this.#received = stop;
    for (const listener of this.#listeners) listener(stop);
  };

  listen(): void {
    for (const signal of Object.keys(EXIT_SIGNAL)) process.on(signal, this.#onSignal);
  }

  get received(): StopSignal | null {
    return this.#received;
  }

  /** Has `listener` told of the first signal, for work that waits; returns what ends that. */
  onStop(listener: (signal: StopSignal) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly shouldStop = (): boolean => this.#received !== null;
}

/**
 * Does work that blocks the process. No handler could run meanwhile, so the signals end the
 * process as they do where nobody listens: a shell sees 130 and 143 as well.
 */
export function withSignalsThatEnd<T>(work: () => T): T {
  const setAside = Object.keys(EXIT_SIGNAL).flatMap((signal) =>
    process.rawListeners(signal).map((listener) => ({ signal, listener: listener as () => void })),
  );
  for (const { signal, listener } of setAside) process.off(signal, listener);
  try {
    return work();
  } finally {
    for (const { signal, listener } of setAside) process.on(signal, listener);
  }
}
