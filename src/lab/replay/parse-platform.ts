import type { Platform, Tdmr } from "../../module/platform.ts";
import { GIB, PAGE_SIZE } from "../../units/page.ts";
import {
  addressField,
  arrayField,
  asObject,
  integerField,
  type JsonObject,
  objectField,
  refuse,
  shown,
} from "./json-fields.ts";

/** Internal maxima of the module (ABI 10.3). */
const MOST_PACKAGES = 8;
const MOST_HKIDS = 2048;
const MOST_LPS = 65_536;
const MOST_TDMRS = 64;
const ADDRESS_BITS = 52;
/** A TDMR has a whole GiB at least, so fewer address bits leave no room for one. */
const FEWEST_BITS = 31;

/** The platform of a sequence; BEPOCH of freed pages is kept, as the hardware does. */
export function parsePlatform(platform: JsonObject, where: string): Platform {
  const hkidShift = integerField(platform, "hkidShift", where, FEWEST_BITS, ADDRESS_BITS - 1);
  return {
    lpToPackage: parsePackages(platform, where),
    hkids: parseHkids(platform, hkidShift, where),
    hkidShift,
    maxPa: integerField(platform, "maxPa", where, FEWEST_BITS, ADDRESS_BITS),
    cacheSubBlocks: integerField(platform, "cacheSubBlocks", where, 1, 2 ** 31 - 1),
    tdmrs: parseTdmrs(platform, 2 ** hkidShift, where),
    keepsFreedBepoch: true,
  };
}

function parsePackages(platform: JsonObject, where: string): number[] {
  const lps = integerField(platform, "lps", where, 1, MOST_LPS);
  const packages = integerField(platform, "packages", where, 1, MOST_PACKAGES);
  const lpToPackage = arrayField(platform, "lpToPackage", where);
  if (lpToPackage.length !== lps) {
    refuse(`${where}.lpToPackage`, `it names ${lpToPackage.length} LPs, lps says ${lps}`);
  }
  const seen = new Set<unknown>(lpToPackage);
  for (const each of seen) {
    if (!Number.isInteger(each) || (each as number) < 0 || (each as number) >= packages) {
      refuse(`${where}.lpToPackage`, `${shown(each)} is not a package from 0 to ${packages - 1}`);
    }
  }
  if (seen.size !== packages) refuse(`${where}.lpToPackage`, "a package has no LP");
  return lpToPackage as number[];
}

function parseHkids(platform: JsonObject, hkidShift: number, where: string): Platform["hkids"] {
  const hkids = objectField(platform, "hkids", where);
  const here = `${where}.hkids`;
  const limit = Math.min(MOST_HKIDS, 2 ** (ADDRESS_BITS - hkidShift));
  const first = integerField(hkids, "first", here, 1, limit - 1);
  const count = integerField(hkids, "count", here, 1, limit - first);
  return { first, count, global: integerField(hkids, "global", here, first, first + count - 1) };
}

function parseTdmrs(platform: JsonObject, limit: number, where: string): Tdmr[] {
  const list = arrayField(platform, "tdmrs", where);
  if (list.length > MOST_TDMRS) refuse(`${where}.tdmrs`, `more than ${MOST_TDMRS} TDMRs`);
  const tdmrs = list.map((each, i) => {
    const here = `${where}.tdmrs[${i}]`;
    const entry = asObject(each, here);
    const base = addressField(entry, "base", here, GIB, limit);
    const size = addressField(entry, "size", here, GIB, limit - base + 1);
    return { base, size, reserved: parseReserved(entry, size, here) };
  });
  const sorted = [...tdmrs].sort((a, b) => a.base - b.base);
  for (const [i, { base }] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && base < before.base + before.size) {
      refuse(`${where}.tdmrs`, `two TDMRs overlap at 0x${base.toString(16)}`);
    }
  }
  return tdmrs;
}

function parseReserved(tdmr: JsonObject, tdmrSize: number, where: string) {
  if (tdmr["reserved"] === undefined) return [];
  return arrayField(tdmr, "reserved", where).map((each, i) => {
    const here = `${where}.reserved[${i}]`;
    const entry = asObject(each, here);
    const offset = addressField(entry, "offset", here, PAGE_SIZE, tdmrSize);
    return { offset, size: addressField(entry, "size", here, PAGE_SIZE, tdmrSize - offset + 1) };
  });
}
