import { KOT_STATES } from "../module/key-ownership.ts";
import { SEPT_STATES, type SeptStateName } from "../module/sept-states.ts";
import { OP_STATES } from "../module/tdcs.ts";
import { LIFECYCLE_STATES } from "../module/tdr.ts";
import { PAGE_SIZE } from "../units/page.ts";
import type { Seamcalls } from "./result.ts";
import type { HostedTd, SimulatedHost } from "./simulated-host.ts";
import type { TdOptions } from "./td-options.ts";
import { VERSION } from "./version.ts";

/** A stretch of private memory in one Secure EPT state. */
export interface PageRunReport {
  /** Guest physical address, hexadecimal. */
  readonly gpa: string;
  readonly size: "4K" | "2M" | "1G";
  readonly pages: number;
  readonly state: SeptStateName;
}

/** SEAMCALLs made by one ioctl, or one phase of the teardown. */
export interface IoctlCounts {
  readonly ioctl: string;
  readonly seamcalls: Seamcalls;
  readonly statuses: Readonly<Record<string, number>>;
}

/** What is known of a TD: `tdx-sim/td/v1`. */
export interface TdReport {
  readonly schema: "tdx-sim/td/v1";
  readonly simulated: true;
  readonly version: string;
  readonly name: string;
  readonly kernel: string;
  readonly destroyed: boolean;
  /** TDR.LIFECYCLE_STATE and TDCS.OP_STATE as the ABI names them; null once the TDR is gone. */
  readonly lifecycle: string | null;
  readonly opState: string | null;
  readonly hkid: number | null;
  /** State of that HKID in the key ownership table. */
  readonly hkidState: string | null;
  readonly finalized: boolean;
  readonly options: TdOptions;
  readonly vcpus: number;
  readonly populatedBytes: number;
  /** Guest physical address space that was converted to shared. */
  readonly sharedBytes: number;
  readonly privatePages: { readonly "4K": number; readonly "2M": number; readonly "1G": number };
  readonly septPages: number;
  readonly controlPages: number;
  readonly pagesLeaked: number;
  readonly pageRuns: readonly PageRunReport[];
  /** Runs beyond the first hundred, which `pageRuns` leaves out. */
  readonly pageRunsOmitted: number;
  readonly ioctls: readonly IoctlCounts[];
  /** The teardown, once it was begun. */
  readonly teardown: { readonly strategy: string; readonly phases: readonly IoctlCounts[] } | null;
}

const RUNS_SHOWN = 100;
const SIZES = ["4K", "2M", "1G"] as const;

export function controlPages({ vm }: HostedTd): number {
  const { state } = vm;
  const vcpuPages = state.vcpus.map((vcpu) => (vcpu.tdvpr === null ? 0 : 1) + vcpu.tdvpx.length);
  const ofVcpus = vcpuPages.reduce((sum, pages) => sum + pages, 0);
  return ofVcpus + state.tdcx.length + (state.tdr === null ? 0 : 1);
}

export function pagesLeaked({ vm }: HostedTd): number {
  return vm.state.leaked.reduce((sum, { pages }) => sum + pages, 0);
}

export function reportTd(host: SimulatedHost, td: HostedTd): TdReport {
  const { state, memory } = td.vm;
  const module = state.tdr === null ? undefined : host.module.tds.get(state.tdr);
  const { first } = host.platform.hkids;
  const kot = state.hkid === null ? undefined : host.module.kot[state.hkid - first];
  const { runs, omitted } = pageRuns(host, td);
  return {
    schema: "tdx-sim/td/v1",
    simulated: true,
    version: VERSION,
    name: td.name,
    kernel: td.options.kernel,
    destroyed: state.isDestroyed,
    lifecycle: module === undefined ? null : (LIFECYCLE_STATES[module.lifecycle] ?? null),
    opState: module === undefined ? null : (OP_STATES[module.tdcs.opState] ?? null),
    hkid: state.hkid,
    hkidState: kot === undefined ? null : (KOT_STATES[kot.state] ?? null),
    finalized: state.isFinalized,
    options: td.options,
    vcpus: state.vcpus.length,
    populatedBytes: (memory.leafCount(0) + memory.leafCount(1) * 512) * PAGE_SIZE,
    sharedBytes: state.shared.reduce((sum, { from, to }) => sum + to - from, 0) * PAGE_SIZE,
    privatePages: { "4K": memory.leafCount(0), "2M": memory.leafCount(1), "1G": 0 },
    septPages: memory.tableCount(),
    controlPages: controlPages(td),
    pagesLeaked: pagesLeaked(td),
    pageRuns: runs,
    pageRunsOmitted: omitted,
    ioctls: countsOf(td.ledger),
    teardown: td.teardown && {
      strategy: td.teardown.strategy,
      phases: countsOf(td.teardown.ledger),
    },
  };
}

function countsOf(ledger: HostedTd["ledger"]): IoctlCounts[] {
  return ledger
    .phases()
    .map(({ phase, seamcalls, statuses }) => ({ ioctl: phase, seamcalls, statuses }));
}

function pageRuns(host: SimulatedHost, td: HostedTd): { runs: PageRunReport[]; omitted: number } {
  const { tdr } = td.vm.state;
  const sept = tdr === null ? null : (host.module.tds.get(tdr)?.sept ?? null);
  const runs: PageRunReport[] = [];
  let omitted = 0;
  if (sept === null) return { runs, omitted };
  for (const [level, size] of SIZES.entries()) {
    const pagesPerEntry = 512 ** level;
    for (const run of sept.levels[level]?.runs() ?? []) {
      const state = SEPT_STATES[run.tag & 15] as SeptStateName;
      if (state.startsWith("NL_")) continue;
      if (runs.length === RUNS_SHOWN) omitted++;
      else {
        const gpa = `0x${(run.start * pagesPerEntry * PAGE_SIZE).toString(16)}`;
        runs.push({ gpa, size, pages: run.length, state });
      }
    }
  }
  return { runs, omitted };
}
