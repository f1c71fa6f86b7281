import { statusesOf } from "../../src/module/leaf-statuses.ts";

/** Where each status is answered, by lifecycle of the TD named; others only by P-STATE's TD_KEYS_CONFIGURED. */
const LIFECYCLES: Readonly<Record<string, readonly string[]>> = {
  TDX_SUCCESS: [
    "TD_BLOCKED",
    "TD_HKID_ASSIGNED",
    "TD_KEYS_CONFIGURED",
    "TD_TEARDOWN",
    "any",
    "none",
  ],
  // What a CREATE with another TD's HKID is told, whatever its own TD has come to: the one that
  // waits for its first keys has too few pages for that page to pass.
  TDX_HKID_NOT_FREE: ["TD_BLOCKED", "TD_KEYS_CONFIGURED", "TD_TEARDOWN", "none"],
  // Pages that are no TDR, no TDVPR, or taken: P-PAGE comes before P-STATE.
  "TDX_PAGE_METADATA_INCORRECT|RCX": [
    "TD_BLOCKED",
    "TD_HKID_ASSIGNED",
    "TD_KEYS_CONFIGURED",
    "TD_TEARDOWN",
    "none",
  ],
  "TDX_PAGE_METADATA_INCORRECT|RDX": [
    "TD_BLOCKED",
    "TD_HKID_ASSIGNED",
    "TD_KEYS_CONFIGURED",
    "TD_TEARDOWN",
    "none",
  ],
  // Each lifecycle refuses the leaves of the others.
  TDX_LIFECYCLE_STATE_INCORRECT: [
    "TD_BLOCKED",
    "TD_HKID_ASSIGNED",
    "TD_KEYS_CONFIGURED",
    "TD_TEARDOWN",
  ],
  TDX_TD_KEYS_NOT_CONFIGURED: ["TD_BLOCKED", "TD_HKID_ASSIGNED", "TD_TEARDOWN"],
  // KEY.CONFIG again on one package, before the other had its key.
  TDX_KEY_CONFIGURED: ["TD_HKID_ASSIGNED"],
  // FREEID before every package was written back.
  TDX_WBCACHE_NOT_COMPLETE: ["TD_BLOCKED"],
  // RECLAIM of the TDR before the TD's other pages.
  TDX_TD_ASSOCIATED_PAGES_EXIST: ["TD_TEARDOWN"],
  // Calls that name no TD.
  TDX_INTERRUPTED_RESUMABLE: ["any"],
  TDX_NO_HKID_READY_TO_WBCACHE: ["any"],
  TDX_WBCACHE_RESUME_ERROR: ["any"],
  TDX_PAGE_ALREADY_ACCEPTED: ["any"],
};
const ELSEWHERE = ["TD_KEYS_CONFIGURED"];

/** Statuses that no move of the search can be answered, and why. */
const UNREACHED: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/TDX_OPERAND_INVALID\|/, "every operand is well formed"],
  [/TDX_OPERAND_ADDR_RANGE_ERROR\|/, "every page lies in the TDMR"],
  [/\|(?:R9|R10|R11)$/, "lists of pages go with version 1 and L2 VMs"],
  [/TDX_L2_|^TDH\.MEM\.SEPT\.ADD TDX_INTERRUPTED_RESUMABLE/, "there are no L2 VMs"],
  [/RND_NO_ENTROPY|KEY_GENERATION_FAILED|BUSY\|KET/, "the hardware around the module is well"],
  [/TDX_MAX_VCPUS_EXCEEDED/, "TD_PARAMS allow as many vCPUs as there are"],
  [/ADDCX TDX_(?:TDCX_NUM_INCORRECT|OP_STATE_INCORRECT)/, "no page is there beyond those needed"],
  [/(?:ADDCX|VP\.CREATE) TDX_OPERAND_BUSY\|RCX/, "a page given has no vCPU in it that runs"],
  [/TDX_OPERAND_BUSY\|R8/, "a page given has no vCPU in it that runs"],
  [/PAGE\.ADD TDX_PAGE_METADATA_INCORRECT\|R8/, "where the entry is free, its own page is free"],
  [/TDX_PAGE_SIZE_MISMATCH/, "only 4 KiB are accepted, below a table of 4 KiB entries"],
];

/**
 * Differences between what was answered and what is listed above; none when all is as listed.
 *
 * @param isAll whether the answers are those of whole searches, in which nothing may be missing
 */
export function surprises(answers: ReadonlySet<string>, isAll: boolean): string[] {
  const wheres = new Map<string, Set<string>>();
  const pairs = new Set<string>();
  for (const answer of answers) {
    const [lifecycle = "", leaf = "", ...rest] = answer.split(" ");
    const status = rest.join(" ");
    pairs.add(`${leaf} ${status}`);
    if (status.startsWith("TDX_")) {
      wheres.set(status, (wheres.get(status) ?? new Set()).add(lifecycle));
    }
  }
  const wrong: string[] = [];
  for (const [status, where] of wheres) {
    const listed = LIFECYCLES[status] ?? ELSEWHERE;
    const isListed = [...where].every((each) => listed.includes(each));
    if (!isListed || (isAll && where.size < listed.length)) {
      wrong.push(`${status} in ${[...where].sort()}, listed in ${listed}`);
    }
  }
  if (!isAll) return wrong;
  for (const leaf of new Set([...pairs].map((pair) => pair.split(" ")[0] as string))) {
    for (const status of statusesOf(leaf)) {
      const pair = `${leaf} ${status}`;
      const why = UNREACHED.find(([pattern]) => pattern.test(pair))?.[1];
      if (!pairs.has(pair) && why === undefined) wrong.push(`${pair} was never answered`);
    }
  }
  return wrong;
}
