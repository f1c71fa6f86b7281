import { createHash } from "node:crypto";
import { type Profile, profileText } from "./profile.ts";
import { PUBLISHED_2025 } from "./profiles/published-2025.ts";
import { SILICON_BUILD_2025 } from "./profiles/silicon-build-2025.ts";

/**
 * Profiles do not change, and a sweep asks for the same one at every point. Loading Node's crypto
 * and hashing would cost a start 3 ms, so those of the built-in profiles are told here.
 */
const known = new WeakMap<Profile, string>([
  [PUBLISHED_2025, "ea787b77c8049579cbcbc21beae1eab376ac8edb4f4587f358a897143a3a5978"],
  [SILICON_BUILD_2025, "c3adba110131592db1dacf56b54b122c13acebad26a2e9720eefe9480f2d70db"],
]);

/**
 * SHA-256 of a profile's text, 64 hexadecimal digits: what `sha256sum` prints for the file of a
 * built-in profile, and the same for a user's file however that is indented.
 */
export function profileSha256(profile: Profile): string {
  let digest = known.get(profile);
  if (digest === undefined) {
    digest = createHash("sha256").update(profileText(profile)).digest("hex");
    known.set(profile, digest);
  }
  return digest;
}
