/** `tdx-sim/sweep-config/v1`: a sweep with every setting, so that it can be run again. */
import * as v from "valibot";
import type { Profile } from "../../cost/profile.ts";
import { faultsIn, parseProfile } from "../../cost/profile-schema.ts";
import { Failure } from "../../units/failure.ts";
import { parseJson } from "../../units/json.ts";
import { count } from "../schemas/quantities.ts";
import { tdOptions } from "../schemas/td-options-schema.ts";
import type { Axis, Shard } from "./grid.ts";

export interface SweepConfig {
  /** Outermost first; defaults are an axis of one value. */
  readonly axes: readonly Axis[];
  /** Null is every strategy of the point's kernel. */
  readonly strategies: readonly string[] | null;
  readonly shard: Shard;
  /** A built-in profile by its name. */
  readonly profile: string | Profile;
  readonly seed: number;
  readonly step: boolean;
  readonly faults: readonly string[];
  readonly faultAny: boolean;
  readonly whatIf: readonly string[];
  readonly expect: readonly string[];
  /** A file beside this one, and how much may have grown since. */
  readonly baseline?: { readonly file: string; readonly maxRegression: readonly string[] };
}

export const SWEEP_CONFIG = "tdx-sim/sweep-config/v1";

export function sweepConfigSchema() {
  const texts = () => v.array(v.string());
  return v.strictObject({
    schema: v.literal(SWEEP_CONFIG),
    axes: v.array(v.pipe(v.array(v.partial(tdOptions())), v.minLength(1))),
    strategies: v.nullable(v.pipe(texts(), v.minLength(1))),
    shard: v.strictObject({ index: count(), of: count() }),
    profile: v.union([v.string(), v.looseObject({ name: v.string() })]),
    seed: count(),
    step: v.boolean(),
    faults: texts(),
    faultAny: v.boolean(),
    whatIf: texts(),
    expect: texts(),
    baseline: v.exactOptional(v.strictObject({ file: v.string(), maxRegression: texts() })),
  });
}

/** @throws Failure `data` that names what is wrong */
export function parseSweepConfig(text: string, origin: string): SweepConfig {
  const parsed = v.safeParse(sweepConfigSchema(), parseJson(text, origin));
  if (!parsed.success) {
    throw new Failure("data", `${origin}: ${faultsIn([parsed.issues[0]])}`);
  }
  const { profile, shard, schema: _, ...config } = parsed.output;
  if (shard.index < 1 || shard.index > shard.of) {
    throw new Failure("data", `${origin}: shard: ${shard.index}/${shard.of} is none`);
  }
  return {
    ...config,
    shard,
    axes: config.axes as readonly Axis[],
    profile: typeof profile === "string" ? profile : parseProfile(profile, origin),
  };
}
