import { readFileSync } from "node:fs";
import type { Profile } from "../cost/profile.ts";
import { errnoOf, fileFailure } from "../store/storage.ts";
import { Failure } from "../units/failure.ts";

/** A profile is a few dozen numbers; a file beyond this is none. */
const PROFILE_BYTES_MAX = 1024 * 1024;

/**
 * The cost profile that `--profile NAME|FILE` names, or the default one.
 *
 * @throws Failure `usage` for an unknown name, `no-input` for a missing file, `data` for a file
 *   that is no profile, `io` for one that cannot be read
 */
export async function loadProfile(name: string | undefined): Promise<Profile> {
  const { builtInProfile, BUILT_IN_PROFILES, DEFAULT_PROFILE } = await import(
    "../cost/profiles/index.ts"
  );
  if (name === undefined) return DEFAULT_PROFILE;
  if (BUILT_IN_PROFILES.has(name) || !/[./\\]/.test(name)) return builtInProfile(name);
  const { parseProfile } = await import("../cost/profile-schema.ts");
  return parseProfile(readJson(name), name);
}

function readJson(path: string): unknown {
  const text = readText(path);
  if (text.length > PROFILE_BYTES_MAX) {
    throw new Failure("data", `${path} is too large for a profile`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure("data", `${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      throw new Failure("no-input", `there is no file ${path} (ENOENT)`, { cause: error });
    }
    throw fileFailure(error, { verb: "read", path });
  }
}
