/** What a scenario names and does not hold: it is looked up, most of it in files beside it. */
import { createHash } from "node:crypto";
import type { Profile } from "../../cost/profile.ts";
import type { Baseline, MaxRegression } from "../expect/baseline.ts";
import type { PlatformShape } from "../platforms.ts";
import type { HostSnapshot } from "../simulated-host.ts";
import type { TdOptions } from "../td-options.ts";

/** Looks up what a scenario names; paths are relative to the scenario. */
export interface Names {
  readonly shape: (name: string) => Partial<TdOptions>;
  readonly platform: (name: string) => PlatformShape;
  readonly profile: (name: string | undefined) => Promise<Profile>;
  readonly baseline: (name: string, bounds: MaxRegression) => Baseline;
  readonly storedHost: (name: string) => Pick<StoredStart, "text" | "host">;
}

/** The TD of a store with which a recorded run began, instead of a new one. */
export interface StoredStart {
  readonly td: string;
  readonly host: HostSnapshot;
  /** The host's file as the store would write it. */
  readonly text: string;
}

/** SHA-256 of a file's text, in hexadecimal. */
export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
