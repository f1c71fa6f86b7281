import * as v from "valibot";
import { faultsIn } from "../cost/profile-schema.ts";
import { Failure } from "../units/failure.ts";
import { GIB } from "../units/page.ts";
import { memoryMax } from "./platform.ts";
import type { PlatformShape } from "./platforms.ts";

function countTo(most: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
}

function text() {
  return v.pipe(v.string(), v.trim(), v.nonEmpty("must say something"));
}

/** The package bitmaps of the module hold eight (ABI 10.3); TD memory stays below 28 TiB. */
const PACKAGES_MAX = 8;
const LPS_MAX = 65_536;
const MEMORY_MAX = 28 * 2 ** 40;
/** The KeyID field of an address is 15 bits wide at most. */
const KEY_IDS_END = 2 ** 15;

/** Schema of `tdx-sim/platform/v1`; made when it is asked for, since few commands need it. */
export function platformSchema() {
  return v.pipe(
    v.strictObject({
      schema: v.literal("tdx-sim/platform/v1"),
      name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, "is not a platform name")),
      description: text(),
      source: text(),
      privateKeyIds: v.pipe(
        v.strictObject({ first: countTo(KEY_IDS_END), count: countTo(KEY_IDS_END) }),
        v.check(({ first, count }) => first + count <= KEY_IDS_END, "KeyIDs end below 32768"),
      ),
      packages: v.exactOptional(countTo(PACKAGES_MAX)),
      lps: v.exactOptional(countTo(LPS_MAX)),
      memoryBytes: v.exactOptional(
        v.pipe(countTo(MEMORY_MAX), v.multipleOf(GIB, "TD memory is a multiple of 1 GiB")),
      ),
      cacheSubBlocks: v.exactOptional(countTo(4096)),
      pwMce: v.exactOptional(v.boolean()),
    }),
    v.check(({ packages = 1, lps = packages }) => lps >= packages, "every package needs an LP"),
    v.check(
      (shape) => reachesItsMemory(shape),
      "the memory reaches into the address bits of KeyIDs",
    ),
  );
}

function reachesItsMemory({ privateKeyIds, memoryBytes = 0 }: Partial<PlatformShape>): boolean {
  const { first, count } = privateKeyIds ?? { first: 0, count: 1 };
  return memoryBytes <= memoryMax(first + count);
}

/**
 * A platform from parsed JSON.
 *
 * @param origin what it was read from, for messages
 * @throws Failure `data` with every fault found, at most five, and its place
 */
export function parsePlatformShape(value: unknown, origin: string): PlatformShape {
  const parsed = v.safeParse(platformSchema(), value);
  if (parsed.success) return parsed.output;
  throw new Failure("data", `${origin} is not a platform: ${faultsIn(parsed.issues)}`, {
    hint: "tdx-sim schema platform prints the JSON Schema",
  });
}
