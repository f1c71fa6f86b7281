import { ACCEPT_LEAF } from "../module/guest-accept.ts";
import { statusesOf, withoutDetails } from "../module/leaf-statuses.ts";
import { EMULATED, NOT_EMULATED } from "../module/leaf-table.ts";
import { SUCCESS } from "../module/status.ts";
import type { ReplayResult } from "./replay/replay.ts";
import { ENTER_LEAF, ENTERED_GUEST, TD_EXIT } from "./replay/sequence.ts";
import { MODULE_VERSION } from "./version.ts";

export type EmulationDegree = "fully" | "in part" | "not";

/** How far one leaf is emulated, and what a vector file reached of it. */
export interface LeafCoverage {
  readonly leaf: string;
  readonly number: number;
  /** Called by the host (SEAMCALL) or by the guest (TDCALL), which count apart. */
  readonly caller: "host" | "guest";
  readonly emulated: EmulationDegree;
  /** What the emulator leaves out, in words; null where nothing. */
  readonly missing: string | null;
  /** Status to number of answers; null where no vector file was given. */
  readonly reached: Readonly<Record<string, number>> | null;
  /** Statuses that the emulator could answer and did not, without levels and VMs; or null. */
  readonly unreached: readonly string[] | null;
}

/** `tdx-sim/leaves/v1`: every leaf of the emulated module version. */
export interface LeafCoverageReport {
  readonly schema: "tdx-sim/leaves/v1";
  readonly module: string;
  /** Number of different pairs of leaf and status reached, unknown leaf numbers included. */
  readonly pairsReached: number | null;
  readonly leaves: readonly LeafCoverage[];
}

const ACCEPT = {
  name: ACCEPT_LEAF,
  number: 6,
  missing: "no page contents; a 2 MiB page is accepted in one go",
};

/** Every host leaf by number, then the guest's; `replayed` adds what its vectors reached. */
export function leafCoverage(replayed?: Pick<ReplayResult, "pairs">): LeafCoverageReport {
  const host = [
    ...EMULATED.map((leaf) => ({ ...leaf, isEmulated: true })),
    ...NOT_EMULATED.map((leaf) => ({ ...leaf, isEmulated: false })),
  ].sort((a, b) => a.number - b.number);
  const entry = (
    leaf: { readonly name: string; readonly number: number; readonly missing?: string },
    caller: LeafCoverage["caller"],
    isEmulated: boolean,
  ): LeafCoverage => ({
    leaf: leaf.name,
    number: leaf.number,
    caller,
    emulated: !isEmulated ? "not" : leaf.missing === undefined ? "fully" : "in part",
    missing: leaf.missing ?? null,
    ...(replayed === undefined
      ? { reached: null, unreached: null }
      : statusCoverage(leaf.name, replayed.pairs[leaf.name] ?? {}, isEmulated)),
  });
  return {
    schema: "tdx-sim/leaves/v1",
    module: MODULE_VERSION,
    pairsReached: replayed === undefined ? null : countPairs(replayed.pairs),
    leaves: [
      ...host.map((leaf) => entry(leaf, "host", leaf.isEmulated)),
      entry(ACCEPT, "guest", true),
    ],
  };
}

function statusCoverage(
  leaf: string,
  reached: Readonly<Record<string, number>>,
  isEmulated: boolean,
): Pick<LeafCoverage, "reached" | "unreached"> {
  const seen = new Set(Object.keys(reached).map(withoutDetails));
  const possible = isEmulated ? answersOf(leaf) : [];
  return { reached, unreached: possible.filter((status) => !seen.has(status)) };
}

/** The statuses of a leaf as a replay tells them. */
export function answersOf(leaf: string): readonly string[] {
  const statuses = statusesOf(leaf);
  if (leaf === ACCEPT_LEAF) return [...statuses, TD_EXIT];
  // A VP.ENTER that succeeds has no status yet.
  if (leaf !== ENTER_LEAF) return statuses;
  return statuses.map((status) => (status === SUCCESS.text ? ENTERED_GUEST : status));
}

function countPairs(pairs: ReplayResult["pairs"]): number {
  return Object.values(pairs).reduce((sum, statuses) => sum + Object.keys(statuses).length, 0);
}
