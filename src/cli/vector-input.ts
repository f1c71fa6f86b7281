import { createReadStream } from "node:fs";
import type { ReplayOptions, ReplayResult } from "../lab/replay/replay.ts";
import { withPath } from "../store/storage.ts";
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
  const source =
    path === STDIN ? process.stdin : withPath({ verb: "read", path }, () => createReadStream(path));
  // A reader that waits for a slow pipe would not hear of the request to stop.
  const forget = cli.signals.onStop(() => source.destroy());
  try {
    const result = await replay(source, { name, ...options, shouldStop: cli.signals.shouldStop });
    throwIfInterrupted(cli);
    return result;
  } catch (error) {
    throwIfInterrupted(cli);
    throw inputFailure(error, path);
  } finally {
    forget();
  }
}

function throwIfInterrupted({ signals }: Cli): void {
  if (signals.received !== null) {
    throw new Interrupted(signals.received, "replay was interrupted before its end");
  }
}
