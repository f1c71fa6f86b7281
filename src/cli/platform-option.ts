import { parsePlatformShape } from "../lab/platform-schema.ts";
import { PLATFORMS, type PlatformShape } from "../lab/platforms.ts";
import { Failure } from "../units/failure.ts";
import { didYouMean } from "../units/nearest.ts";
import { readJsonFile } from "./input-file.ts";

/** A platform is a dozen fields; a file beyond this is none. */
const PLATFORM_BYTES_MAX = 64 * 1024;

/**
 * The host that `--platform NAME|FILE` names; a name with a dot or a slash is a file.
 *
 * @throws Failure `usage` for an unknown name, `no-input` for a missing file, `data` for a file
 *   that is no platform, `io` for one that cannot be read
 */
export function findPlatform(name: string): PlatformShape {
  const named = PLATFORMS.get(name);
  if (named !== undefined) return named;
  if (/[./\\]/.test(name)) {
    return parsePlatformShape(readJsonFile(name, "a platform", PLATFORM_BYTES_MAX), name);
  }
  throw new Failure("usage", `there is no platform "${name}"`, {
    hint: didYouMean(name, [...PLATFORMS.keys()]),
  });
}
