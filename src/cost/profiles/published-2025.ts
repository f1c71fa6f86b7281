import { GIB } from "../../units/page.ts";
import type { MeasuredRange, Profile } from "../profile.ts";
import { assumed, fitted } from "./figures.ts";

const RFC =
  "Adrian Hunter, [PATCH RFC] KVM: TDX: Defer guest memory removal to decrease shutdown time, " +
  "2025-03-13, 20250313181629.17764-1-adrian.hunter@intel.com";
const V2 =
  "Sean Christopherson and Adrian Hunter, [PATCH V2 1/1] KVM: TDX: Add sub-ioctl " +
  "KVM_TDX_TERMINATE_VM, 2025-04-17, 20250417131945.109053-2-adrian.hunter@intel.com";
const SKIP_CLEAR =
  "Adrian Hunter, x86/tdx: Skip clearing reclaimed pages unless X86_BUG_TDX_PW_MCE is present, " +
  "V7, 2025-08-19, 20250819155811.136099-4-adrian.hunter@intel.com; Chao Gao's reply to V2";
const GMEM_SHARE =
  "Reply on the thread of the same RFC: more than 99 % of the shutdown is kvm_gmem_release()";

const AT_4K = "4 KiB pages, MOVDIR64B clear; host CPU, clock and module build not stated";

const IPIV = "Zeng Guang, KVM: VMX: IPI virtualization support, test numbers of 2021 and 2022";

const EDGES =
  "Sizes are printed as whole GB and may be GiB. The lower edge is 16 GiB: the smallest reading " +
  "of the printed 18 GB is 2 % above it.";
const SMALL_TDS: MeasuredRange = {
  memoryBytes: { low: 16 * GIB, high: 107 * GIB },
  vcpus: { low: 4, high: 32 },
  pageSizes: ["4K"],
  source: `${RFC}: 4 vCPUs with 18 GB and 32 with 107. ${EDGES}`,
};
const ALL_TDS: MeasuredRange = {
  memoryBytes: { low: 16 * GIB, high: 400 * GIB },
  vcpus: { low: 4, high: 64 },
  pageSizes: ["4K"],
  source: `${RFC}: 4 vCPUs with 18 GB and 32 with 107; ${V2}: 64 with 400. ${EDGES}`,
};

/**
 * Fitted to the six published teardown times (three TDs, before and after). Two of the prices
 * also need two statements made in words, and the runtime prices reproduce two times by
 * construction: published-measurements sections 5 and 6.
 */
export const PUBLISHED_2025: Profile = {
  schema: "tdx-sim/profile/v1",
  name: "published-2025",
  description: "Fitted to the six teardown times that were ever published for Intel TDX guests",
  terms: [
    {
      term: "reclaim",
      per: { kind: "leaf", leaf: "TDH.PHYMEM.PAGE.RECLAIM", pageSize: "4K" },
      price: fitted({
        value: 2550,
        low: 2350,
        high: 3410,
        unit: "ns/call",
        source: `${RFC}: one page in TD_TEARDOWN can be five times faster; (15.26 - 5.09) / 4 us`,
        conditions: `${AT_4K}; the high end is what the same statement gives at 32 vCPUs`,
      }),
    },
    {
      term: "reclaim of 2 MiB",
      per: { kind: "leaf", leaf: "TDH.PHYMEM.PAGE.RECLAIM", pageSize: "2M" },
      price: assumed({
        value: 57_700,
        low: 2550,
        high: 1_305_600,
        unit: "ns/call",
        source: "No timing was published; between the price of one 4 KiB page and that of 512",
        conditions: "2 MiB pages; the value is the geometric mean of the ends",
      }),
    },
    {
      term: "page clear",
      per: { kind: "host-work", work: "pageClears4K" },
      price: fitted({
        value: 1900,
        low: 1360,
        high: 2200,
        unit: "ns/page",
        source: `${SKIP_CLEAR}: shutdown up to 40 % shorter without the clear, of 4.75 us a page`,
        conditions: `${AT_4K}; the low end reads the statement as a 40 % slowdown`,
      }),
    },
    {
      term: "page free",
      per: { kind: "with-call", leaves: ["TDH.MEM.PAGE.REMOVE", "TDH.PHYMEM.PAGE.RECLAIM"] },
      price: fitted({
        value: 300,
        low: 0,
        high: 1000,
        unit: "ns/page",
        source: `${RFC} and ${V2}: what the fitted 4.75 us a page leave beside RECLAIM and clear`,
        conditions: `${AT_4K}; all the host's bookkeeping for a page that came back`,
      }),
    },
    {
      term: "runtime removal",
      per: {
        kind: "group",
        leaves: [
          "TDH.MEM.RANGE.BLOCK",
          "TDH.MEM.TRACK",
          "TDH.MEM.PAGE.REMOVE",
          "TDH.PHYMEM.PAGE.WBINVD",
        ],
      },
      price: fitted({
        value: 12_605,
        low: 12_080,
        high: 14_000,
        unit: "ns/group",
        source: `${RFC}: 72 s and 517 s, less clear and bookkeeping; the four leaves only together`,
        conditions: `${AT_4K}; the ends cover rounding of the printed figures and GB for GiB`,
      }),
    },
    {
      term: "vCPU kick",
      per: { kind: "host-work", work: "vcpuKicks" },
      price: fitted({
        value: 113.3,
        low: 90,
        high: 146,
        unit: "ns/kick",
        source: `${RFC}: slope between 15.26 us a page at 4 vCPUs and 18.43 us at 32`,
        conditions: `${AT_4K}; memory grew with the vCPUs, so the slope may be either's`,
      }),
    },
    {
      term: "fixed teardown",
      per: { kind: "phase", phase: "release-hkid" },
      covers: [
        { phase: "release-hkid" },
        { phase: "reclaim-control", leaf: "TDH.PHYMEM.PAGE.WBINVD" },
      ],
      price: fitted({
        value: 350_000_000,
        low: 0,
        high: 700_000_000,
        unit: "ns/teardown",
        source: `${GMEM_SHARE}; 1 % of 72 s bounds VP.FLUSH, VPFLUSHDONE, CACHE.WB and FREEID`,
        conditions: "If the remark covers the 72 s run; only the bound is known, the value is half",
      }),
    },
    {
      term: "IPI",
      per: { kind: "host-work", work: "ipis" },
      price: assumed({
        value: 1400,
        low: 500,
        high: 10_000,
        unit: "ns/ipi",
        source: `${IPIV}: 1.32 to 1.45 us inside a guest without TDX, iterations assumed`,
        conditions: "Order of magnitude only; IPIs for VP.FLUSH are in the fixed teardown already",
      }),
    },
    {
      term: "busy call",
      per: { kind: "failed-call", status: "TDX_OPERAND_BUSY" },
      price: assumed({
        value: 640,
        low: 0,
        high: 2550,
        unit: "ns/call",
        source: "No cost of a refused SEAMCALL was published; a quarter of a RECLAIM",
        conditions: "Retries: a call that finds its operand locked does nothing but look",
      }),
    },
    {
      term: "failed call",
      per: { kind: "failed-call" },
      price: assumed({
        value: 1275,
        low: 0,
        high: 3410,
        unit: "ns/call",
        source: "No cost of a refused SEAMCALL was published; half a RECLAIM",
        conditions: "Any other refusal: at most what a RECLAIM costs",
      }),
    },
    {
      term: "any other call",
      per: { kind: "other-call" },
      price: assumed({
        value: 21_700,
        low: 0,
        high: 335_000,
        unit: "ns/call",
        source: "Median of the leaves in silicon-build-2025; twice the dearest of them",
        conditions: "Leaves that no published teardown was fitted to",
      }),
    },
  ],
  fits: [
    {
      fit: "reclaim after the HKID is released",
      phases: ["reclaim-private", "reclaim-sept", "reclaim-control"],
      terms: ["reclaim", "page clear", "page free"],
      range: ALL_TDS,
      tolerance: fitted({
        value: 0.11,
        low: 0.11,
        high: 0.11,
        unit: "ratio",
        source: `${RFC} and ${V2}: largest leave-one-out error of one price a page, 10.5 %`,
        conditions: "Three TDs; residuals -6.7, -0.7 and +6.5 %",
      }),
      widening: assumed({
        value: 0.11,
        low: 0.11,
        high: 0.11,
        unit: "ratio",
        source: "A convention: there is nothing outside the range to measure it with",
        conditions: "Once more the tolerance for each doubling of the distance from the range",
      }),
    },
    {
      fit: "runtime removal",
      phases: ["remove-private"],
      terms: ["runtime removal", "vCPU kick", "page clear", "page free"],
      range: SMALL_TDS,
      tolerance: assumed({
        value: 0.1,
        low: 0.1,
        high: 0.1,
        unit: "ratio",
        source: "A guess for interpolation: two prices through two measurements leave no residual",
        conditions: "Between the two TDs of the first campaign",
      }),
      widening: assumed({
        value: 0.1,
        low: 0.1,
        high: 0.1,
        unit: "ratio",
        source: "A convention: there is nothing outside the range to measure it with",
        conditions: "Once more the tolerance for each doubling of the distance from the range",
      }),
      otherForm: {
        term: "large TD surcharge",
        pagesLeaf: "TDH.MEM.PAGE.REMOVE",
        base: fitted({
          value: 15_100,
          low: 15_100,
          high: 15_100,
          unit: "ns/page",
          source: `${RFC} and ${V2}: a + b v^1.5 M through all three times, relative least squares`,
          conditions: "The exponent was chosen after seeing the data and has no physical basis",
        }),
        slope: fitted({
          value: 0.183,
          low: 0.183,
          high: 0.183,
          unit: "ns/page/vCPU^1.5/GiB",
          source: `${RFC} and ${V2}: the same fit`,
          conditions: "The third time is 2.4 times what the first two predict; nobody knows why",
        }),
        margin: assumed({
          value: 0.05,
          low: 0.05,
          high: 0.05,
          unit: "ratio",
          source: "A convention that covers the 0.3 % by which the curve misses the third time",
          conditions: "Added to the upper curve",
        }),
        spread: assumed({
          value: 6,
          low: 6,
          high: 6,
          unit: "ratio",
          source: "A convention: nobody can use a wider range",
          conditions: "Beyond 64 vCPUs or 400 GB, where the upper curve runs away",
        }),
        range: ALL_TDS,
      },
    },
  ],
};
