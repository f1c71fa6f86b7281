import { createReadStream, type ReadStream } from "node:fs";
import type { ReplayOptions, ReplayResult } from "../lab/replay/replay.ts";
import { EXIT_SIGNAL } from "./exit-codes.ts";
import { inputFailure, inputName } from "./input-file.ts";
import type { Cli } from "./invocation.ts";
import { Interrupted } from "./signals.ts";

const STDIN = "-";

/**
 * Replays the vectors of a file, `-` for stdin.
 *
 * @throws Failure `no-input` for a missing file, `io` for one that cannot be read, `data` for what
 *   is no vector file; Interrupted
 */
export async function replayFile(
  cli: Cli,
  path: string,
  options: Pick<ReplayOptions, "all"> = {},
): Promise<ReplayResult> {
  const { replay } = await import("../lab/replay/replay.ts");
  const name = inputName(path);
  const source = path === STDIN ? process.stdin : openVectors(path);
  // A reader that waits for a slow pipe would not hear of the request to stop.
  const stop = (): void => void source.destroy();
  for (const signal of Object.keys(EXIT_SIGNAL)) process.once(signal, stop);
  try {
    const result = await replay(source, { name, ...options, shouldStop: cli.signals.shouldStop });
    throwIfInterrupted(cli);
    return result;
  } catch (error) {
    throwIfInterrupted(cli);
    throw inputFailure(error, path);
  } finally {
    for (const signal of Object.keys(EXIT_SIGNAL)) process.off(signal, stop);
  }
}

function openVectors(path: string): ReadStream {
  try {
    return createReadStream(path);
  } catch (error) {
    throw inputFailure(error, path);
  }
}

function throwIfInterrupted({ signals }: Cli): void {
  if (signals.received !== null) {
    throw new Interrupted(signals.received, "replay was interrupted before its end");
  }
}
