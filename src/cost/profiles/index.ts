import { Failure } from "../../units/failure.ts";
import type { Profile } from "../profile.ts";
import { PUBLISHED_2025 } from "./published-2025.ts";
import { SILICON_BUILD_2025 } from "./silicon-build-2025.ts";

export const DEFAULT_PROFILE = PUBLISHED_2025;

/** Profiles that come with the program, by name. */
export const BUILT_IN_PROFILES: ReadonlyMap<string, Profile> = new Map(
  [PUBLISHED_2025, SILICON_BUILD_2025].map((profile) => [profile.name, profile]),
);

/** A profile that comes with the program; throws a `usage` Failure naming those there are. */
export function builtInProfile(name: string): Profile {
  const profile = BUILT_IN_PROFILES.get(name);
  if (profile === undefined) {
    throw new Failure("usage", `there is no profile called ${JSON.stringify(name)}`, {
      hint: `built in: ${[...BUILT_IN_PROFILES.keys()].join(", ")}; or name a profile file`,
    });
  }
  return profile;
}
