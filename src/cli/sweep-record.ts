/** The record of a sweep (`--out`), and the sweep of a record. */
import { dirname, join } from "node:path";
import type { Profile } from "../cost/profile.ts";
import { profileSha256 } from "../cost/profile-checksum.ts";
import { BUILT_IN_PROFILES } from "../cost/profiles/index.ts";
import { NOTHING_ALLOWED } from "../lab/expect/baseline.ts";
import { boundTexts, withBound } from "../lab/expect/baseline-file.ts";
import { parseSweepConfig, SWEEP_CONFIG, type SweepConfig } from "../lab/sweep/sweep-config.ts";
import type { Session } from "../lab/teardown.ts";
import { MODULE_VERSION } from "../lab/version.ts";
import { jsonText } from "../report/control-characters.ts";
import { renderRows } from "../report/formats/json.ts";
import type { Cell } from "../report/rows.ts";
import type { Judgement } from "./judgement.ts";
import type { RecordContent } from "./run-record.ts";
import type { SweepOptions } from "./sweep-run.ts";

const BASELINE_FILE = "baseline.json";

export function sweepRecord(
  options: SweepOptions,
  { baseline }: Judgement,
  { profile, seed, step }: Session,
  rows: readonly (readonly Cell[])[],
): RecordContent {
  const { axes, strategy, shard, fault, faultAny, whatIf, expect } = options;
  const config: SweepConfig = {
    axes,
    strategies: strategy ?? null,
    shard: shard ?? { index: 1, of: 1 },
    profile: nameOf(profile),
    seed,
    step,
    faults: fault ?? [],
    faultAny: faultAny ?? false,
    whatIf: whatIf ?? [],
    expect: expect ?? [],
    ...(baseline === null
      ? {}
      : { baseline: { file: BASELINE_FILE, maxRegression: boundTexts(baseline.bounds) } }),
  };
  const { name } = profile;
  return {
    config: `${jsonText({ schema: SWEEP_CONFIG, ...config }, 2)}\n`,
    result: () => renderRows(rows),
    beside: baseline === null ? [] : [[BASELINE_FILE, baseline.text]],
    about: {
      module: MODULE_VERSION,
      profile: { name, sha256: profileSha256(profile) },
      scenario: null,
      seed,
    },
  };
}

function nameOf(profile: Profile): string | Profile {
  return BUILT_IN_PROFILES.get(profile.name) === profile ? profile.name : profile;
}

/**
 * The options of the sweep that a `config.json` tells of; those of the command line come on top.
 *
 * @throws Failure `data`
 */
export function recordedSweep(
  text: string,
  path: string,
  options: Omit<SweepOptions, "axes">,
): SweepOptions {
  const { axes, strategies, shard, profile, seed, step, ...config } = parseSweepConfig(text, path);
  const { faults, faultAny, whatIf, expect, baseline } = config;
  return {
    ...(baseline === undefined
      ? {}
      : {
          baseline: join(path === "-" ? "." : dirname(path), baseline.file),
          maxRegression: baseline.maxRegression.reduce(withBound, NOTHING_ALLOWED),
        }),
    ...options,
    axes,
    ...(strategies === null ? {} : { strategy: strategies }),
    shard,
    profile,
    seed,
    step: step || options.step === true,
    fault: faults,
    faultAny,
    whatIf,
    expect: [...expect, ...(options.expect ?? [])],
  };
}
