import * as v from "valibot";
import { count, elapsed, notNegative, sha256 } from "./quantities.ts";

/** Metadata, slices and counters (Trace Event Format); times are microseconds. */
function traceEvent() {
  const place = { name: v.string(), pid: count(), tid: count() };
  return v.variant("ph", [
    v.strictObject({
      ph: v.literal("M"),
      ...place,
      args: v.record(v.string(), v.union([v.string(), v.number()])),
    }),
    v.strictObject({
      ph: v.literal("X"),
      ...place,
      cat: v.string(),
      ts: notNegative(),
      dur: notNegative(),
      args: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
    }),
    v.strictObject({
      ph: v.literal("C"),
      ...place,
      ts: notNegative(),
      args: v.record(v.string(), v.number()),
    }),
  ]);
}

/** What `--export perfetto` and `trace` write: a Chrome trace in its JSON object form. */
export function perfettoSchema() {
  return v.strictObject({
    displayTimeUnit: v.literal("ms"),
    otherData: v.strictObject({
      simulated: v.literal(true),
      note: v.string(),
      version: v.string(),
      command: v.string(),
      kernel: v.string(),
      whatIf: v.exactOptional(v.array(v.string())),
      module: v.string(),
      profile: v.string(),
      profileSha256: sha256(),
      lifecycleCodes: v.string(),
      strategies: v.array(
        v.strictObject({
          strategy: v.string(),
          kernel: v.string(),
          elapsedNs: elapsed(),
          earlierSeamcalls: v.exactOptional(count()),
        }),
      ),
    }),
    traceEvents: v.array(traceEvent()),
  });
}
