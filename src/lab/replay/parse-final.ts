import { KOT_STATES } from "../../module/key-ownership.ts";
import type { Platform } from "../../module/platform.ts";
import { PAGE_SIZE, PAGES_PER_2M } from "../../units/page.ts";
import {
  addressField,
  arrayField,
  asObject,
  integerField,
  type JsonObject,
  objectField,
  refuse,
  shown,
  stringField,
} from "./json-fields.ts";
import type { FinalHkid, FinalPage, FinalState } from "./sequence.ts";

const LARGEST_PAGE_TYPE = 8;

/** The recorded end state of a sequence; what it leaves out or gives as null is not compared. */
export function parseFinal(given: unknown, platform: Platform, where: string): FinalState {
  const value = asObject(given, where);
  const isGiven = (key: string): boolean => (value[key] ?? null) !== null;
  const most = Number.MAX_SAFE_INTEGER;
  return {
    pamtNotFree: isGiven("pamtNotFree") ? integerField(value, "pamtNotFree", where, 0, most) : null,
    pages: isGiven("pages") ? parsePages(arrayField(value, "pages", where), where) : null,
    hkids: isGiven("hkids") ? parseHkids(objectField(value, "hkids", where), platform, where) : [],
  };
}

function parsePages(pages: readonly unknown[], where: string): FinalPage[] {
  return pages.map((each, i) => {
    const here = `${where}.pages[${i}]`;
    const page = asObject(each, here);
    const size = integerField(page, "size", here, 0, 2);
    return {
      pa: addressField(page, "pa", here, PAGE_SIZE * PAGES_PER_2M ** size),
      pt: integerField(page, "pt", here, 0, LARGEST_PAGE_TYPE),
      owner: addressField(page, "owner", here, PAGE_SIZE),
      size,
    };
  });
}

function parseHkids(hkids: JsonObject, platform: Platform, where: string): FinalHkid[] {
  const { first, count } = platform.hkids;
  return Object.keys(hkids).map((key) => {
    const here = `${where}.hkids`;
    const hkid = /^\d{1,9}$/.test(key) ? Number(key) : Number.NaN;
    if (!(hkid >= first && hkid < first + count)) {
      return refuse(here, `${shown(key)} is not an HKID from ${first} to ${first + count - 1}`);
    }
    const entry = objectField(hkids, key, here);
    const state = stringField(entry, "state", `${here}.${key}`);
    if (!(KOT_STATES as readonly string[]).includes(state)) {
      return refuse(`${here}.${key}.state`, `${shown(state)} is not ${KOT_STATES.join(", ")}`);
    }
    return {
      hkid,
      state,
      wbinvdBitmap: integerField(entry, "wbinvdBitmap", `${here}.${key}`, 0, 2 ** 31 - 1),
    };
  });
}
