import { createHash } from "node:crypto";
import { type Profile, profileText } from "./profile.ts";

/** Profiles do not change, and a sweep asks for the same one at every point. */
const known = new WeakMap<Profile, string>();

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
