import type { Profile } from "../cost/profile.ts";
import { readJsonFile } from "./input-file.ts";

/** A profile is a few dozen numbers; a file beyond this is none. */
const PROFILE_BYTES_MAX = 1024 * 1024;

/**
 * The cost profile itself, or the one that `--profile NAME|FILE` names, or the default one.
 *
 * @throws Failure `usage` for an unknown name, `no-input` for a missing file, `data` for a file
 *   that is no profile, `io` for one that cannot be read
 */
export async function loadProfile(name: string | Profile | undefined): Promise<Profile> {
  if (typeof name === "object") return name;
  const { builtInProfile, BUILT_IN_PROFILES, DEFAULT_PROFILE } = await import(
    "../cost/profiles/index.ts"
  );
  if (name === undefined) return DEFAULT_PROFILE;
  if (BUILT_IN_PROFILES.has(name) || !/[./\\]/.test(name)) return builtInProfile(name);
  const { parseProfile } = await import("../cost/profile-schema.ts");
  return parseProfile(readJsonFile(name, "a profile", PROFILE_BYTES_MAX), name);
}
