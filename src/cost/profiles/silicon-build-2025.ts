import type { Figure, Profile, Term } from "../profile.ts";
import { assumed, measured } from "./figures.ts";

const TDXPLORER =
  "TDXplorer, ACM CCS 2025, results of section 7.4.3 on a Xeon Gold 5520+, " +
  "https://github.com/pansilup/TDXplorer";
const DSTACK =
  "kvinwang, os/kernel: fix quadratic boot time of many-vCPU TDX guests, 2026-09-15, " +
  "https://github.com/Dstack-TEE/dstack/pull/1220";
const ASTERINAS =
  "Hsy-Intel, Accept pending private pages in TDX environment, 2024-12-09, " +
  "https://github.com/asterinas/asterinas/pull/1691";

/** What the authors of TDXplorer converted their cycles with. */
const CYCLES_PER_NS = 1.6;
/** Logs of the same machine run up to three times faster than the results printed. */
const FASTER = 3;
/** Nothing says how much slower another machine is: at least a factor two either way. */
const SLOWER = 2;

/** Cycles of one successful call as TDXplorer prints them, on 4 KiB pages where it has a page. */
const CYCLES = {
  "TDH.MNG.CREATE": 73_216,
  "TDH.MNG.KEY.CONFIG": 267_760,
  "TDH.MNG.ADDCX": 34_684,
  "TDH.MNG.INIT": 98_418,
  "TDH.VP.CREATE": 33_918,
  "TDH.VP.ADDCX": 34_684,
  "TDH.VP.INIT": 27_070,
  "TDH.MEM.SEPT.ADD": 19_696,
  "TDH.MEM.PAGE.ADD": 52_102,
  "TDH.MR.EXTEND": 15_306,
} as const;

/** Leaves that take a page, which KVM flushes first (kvm-teardown A.2); a fault's price has it. */
const TAKES_A_PAGE = [
  "TDH.MNG.CREATE",
  "TDH.MNG.ADDCX",
  "TDH.VP.CREATE",
  "TDH.VP.ADDCX",
  "TDH.MEM.SEPT.ADD",
  "TDH.MEM.PAGE.ADD",
];

/** To a tenth of a nanosecond: more digits than the cycles have would be noise. */
function tenths(ns: number): number {
  return Math.round(ns * 10) / 10;
}

function ofCycles(cycles: number): Figure {
  const ns = cycles / CYCLES_PER_NS;
  return measured({
    value: tenths(ns),
    low: tenths(ns / FASTER),
    high: tenths(ns * SLOWER),
    unit: "ns/call",
    source: `${TDXPLORER}: ${cycles} cycles, converted at 1.6 GHz as its authors do`,
    conditions:
      "One machine, module 1.5; logs of that machine run 1.5 to 3 times faster, hence the low end",
  });
}

const MEASURED_LEAVES: readonly Term[] = Object.entries(CYCLES).map(([leaf, cycles]) => ({
  term: leaf,
  per: { kind: "leaf", leaf },
  price: ofCycles(cycles),
}));

const RUN_TIME_FAULTS: readonly Term[] = [
  {
    term: "fault on ACCEPT",
    per: { kind: "group", leaves: ["TDH.MEM.PAGE.AUG", "TDH.VP.ENTER"], pageSize: "4K" },
    price: measured({
      value: 8000,
      low: 7500,
      high: 14_300,
      unit: "ns/group",
      source: `${DSTACK}: 8 us a fault; ${ASTERINAS}: 8 GiB in 30 s, 14.3 us a page`,
      conditions:
        "4 KiB pages: TD exit, KVM's fault, AUG and entry together, other vCPUs quiet; the same " +
        "fault took 153 us among 248 ticking vCPUs",
    }),
  },
  {
    term: "fault on ACCEPT of 2 MiB",
    per: { kind: "leaf", leaf: "TDH.MEM.PAGE.AUG", pageSize: "2M" },
    price: assumed({
      value: 181_000,
      low: 7500,
      high: 7_320_000,
      unit: "ns/call",
      source: "No timing was published; between one fault on 4 KiB and 512 of them",
      conditions: "2 MiB pages; the value is the geometric mean of the ends",
    }),
  },
];

const HOST_AND_OTHERS: readonly Term[] = [
  {
    term: "cache flush",
    per: { kind: "with-call", leaves: TAKES_A_PAGE },
    price: assumed({
      value: 600,
      low: 0,
      high: 6400,
      unit: "ns/page",
      source: "No timing was published; 64 lines at 10 ns, and at most 100 ns each",
      conditions: "CLFLUSH of each 4 KiB page before KVM gives it to the module, but for AUG",
    }),
  },
  {
    term: "ioctl",
    per: { kind: "with-call", leaves: ["TDH.MNG.INIT", "TDH.VP.INIT", "TDH.MR.FINALIZE"] },
    price: assumed({
      value: 1000,
      low: 100,
      high: 100_000,
      unit: "ns/ioctl",
      source: "No timing was published; a system call, copies and locks without the SEAMCALLs",
      conditions: "INIT_VM, INIT_VCPU and FINALIZE_VM, each once; not KVM_RUN",
    }),
  },
  {
    term: "refused call",
    per: { kind: "failed-call" },
    price: assumed({
      value: 1000,
      low: 0,
      high: 10_000,
      unit: "ns/call",
      source: "No cost of a refused SEAMCALL was published; a tenth of the cheapest leaf timed",
      conditions: "Retries and refusals while a TD is built",
    }),
  },
  {
    term: "any other call",
    per: { kind: "other-call" },
    price: assumed({
      value: 4800,
      low: 0,
      high: 335_000,
      unit: "ns/call",
      source: "No timing was published; half the cheapest leaf timed, at most twice the dearest",
      conditions: "MNG.RD, VP.WR, MR.FINALIZE, and every leaf of the teardown",
    }),
  },
];

/**
 * What making and filling a TD costs, measured on hardware; nothing of its teardown. The ten
 * leaves come from one machine whose own logs disagree with the printed results by up to three
 * times, so that each is known to a factor of two at best.
 */
export const SILICON_BUILD_2025: Profile = {
  schema: "tdx-sim/profile/v1",
  name: "silicon-build-2025",
  description: "Creation and population measured on hardware; the teardown is not in it",
  terms: [...MEASURED_LEAVES, ...RUN_TIME_FAULTS, ...HOST_AND_OTHERS],
  fits: [],
};
