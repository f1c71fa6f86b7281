import type { FailureKind } from "../units/failure.ts";

/** Exit codes that are not a kind of failure. */
export const EXIT_DONE = 0;
export const EXIT_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** Every documented exit code but those of signals, after sysexits.h where it has one. */
const EXIT_CODES: Readonly<Record<FailureKind, number>> = {
  expectation: 1,
  usage: 64,
  data: 65,
  "no-input": 66,
  refused: 69,
  internal: 70,
  "cannot-create": 73,
  io: 74,
  locked: 75,
  config: 78,
};

export function exitCodeOf(kind: FailureKind): number {
  return EXIT_CODES[kind];
}
