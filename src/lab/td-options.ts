import { Failure } from "../units/failure.ts";
import { GIB, MIB, PAGE_SIZE } from "../units/page.ts";
import { formatSize } from "../units/size.ts";
import { findGeneration } from "./kernels.ts";
import type { PlatformShape } from "./platforms.ts";
import type { PageSize } from "./result.ts";

export const LAYOUTS = ["contiguous", "q35", "alternate"] as const;
export type Layout = (typeof LAYOUTS)[number];

/** What TD is made and on what host; sizes in bytes. */
export interface TdOptions {
  /** Private memory. */
  readonly memoryBytes: number;
  /** How much of it is mapped when the TD is torn down. */
  readonly populatedBytes: number;
  readonly vcpus: number;
  readonly packages: number;
  /** Logical processors of the host; null is as many as the TD needs. */
  readonly lps: number | null;
  readonly pageSize: PageSize;
  /** Measured part of the memory, always 4 KiB pages. */
  readonly initialImageBytes: number;
  readonly layout: Layout;
  /** Kernel generation by name. */
  readonly kernel: string;
  /** The host; null is one as large as the TD needs. */
  readonly platform: PlatformShape | null;
  /** False: the TD is never finalized, and its initial image is all that is mapped. */
  readonly finalize: boolean;
  /** vCPUs in the guest when the teardown begins; the others have stopped. */
  readonly running: number;
}

/** The default TD: 16 GiB, 4 vCPUs, 1 package, 4 KiB pages, populated whole. */
export const DEFAULT_TD = {
  memoryBytes: 16 * GIB,
  vcpus: 4,
  packages: 1,
  lps: null,
  pageSize: "4K",
  initialImageBytes: 0,
  layout: "contiguous",
  kernel: "v16",
  platform: null,
  finalize: true,
  running: 0,
} as const;

export const PAGE_BYTES: Readonly<Record<PageSize, number>> = { "4K": PAGE_SIZE, "2M": 2 * MIB };

/** TD_PARAMS.MAX_VCPUS is 16 bits wide (ABI 10.2). */
const VCPUS_MAX = 65_535;
/** The package bitmaps of the module hold eight (ABI 10.3). */
const PACKAGES_MAX = 8;
const LPS_MAX = 65_536;
/** Private memory that the default host can hold, and guest physical addresses reach. */
const MEMORY_MAX = 28 * 2 ** 40;

/**
 * Fills in defaults and checks the whole.
 *
 * @throws Failure `usage` for a value that no TD can have, `refused` is the kernel's business
 */
export function resolveTdOptions(given: Partial<TdOptions>): TdOptions {
  const populatedBytes = given.populatedBytes ?? given.memoryBytes ?? DEFAULT_TD.memoryBytes;
  const sizes = { ...DEFAULT_TD, ...given, populatedBytes };
  const pageSize = given.pageSize ?? ownPageSize(sizes);
  const options: TdOptions = { ...sizes, pageSize, ...ofPlatform(given) };
  findGeneration(options.kernel);
  checkSizes(options);
  checkCount("vCPUs", options.vcpus, 1, VCPUS_MAX);
  checkCount("packages", options.packages, 1, PACKAGES_MAX);
  if (options.lps !== null) checkCount("LPs", options.lps, options.packages, LPS_MAX);
  checkRunning(options);
  return options;
}

/** The same TD on another kernel, with the pages that this one maps unless they were chosen. */
export function onKernel(options: TdOptions, kernel: string): TdOptions {
  if (kernel === options.kernel) return options;
  const { pageSize, ...others } = options;
  const isOwn = pageSize === ownPageSize(options);
  return resolveTdOptions({ ...others, kernel, ...(isOwn ? {} : { pageSize }) });
}

/** The largest pages that the kernel maps, if all sizes are multiples of them. */
function ownPageSize(sizes: Omit<TdOptions, "pageSize">): PageSize {
  const { kernel, memoryBytes, populatedBytes, initialImageBytes } = sizes;
  if (!findGeneration(kernel).leafLevels.includes(1)) return DEFAULT_TD.pageSize;
  const all = [memoryBytes, populatedBytes, initialImageBytes];
  return all.every((bytes) => bytes % PAGE_BYTES["2M"] === 0) ? "2M" : DEFAULT_TD.pageSize;
}

/** One vCPU at a time is in the guest on an LP, and none of a TD that was never finalized. */
function checkRunning({ running, vcpus, lps, finalize }: TdOptions): void {
  const most = Math.min(vcpus, lps ?? vcpus);
  checkCount("running vCPUs", running, 0, most);
  if (running > 0 && !finalize) {
    throw new Failure("usage", "a TD that is not finalized runs no vCPU");
  }
}

/** Packages and LPs of a platform that says how many; options may only agree with it. */
function ofPlatform(given: Partial<TdOptions>): Partial<TdOptions> {
  const { platform } = given;
  if (platform === null || platform === undefined) return {};
  const fixed: { packages?: number; lps?: number } = {};
  for (const what of ["packages", "lps"] as const) {
    const has = platform[what];
    if (has === undefined) continue;
    const asked = given[what] ?? has;
    if (asked !== has) {
      throw new Failure("usage", `platform ${platform.name} has ${has} ${what}, not ${asked}`, {
        hint: `leave --${what} out, or name another platform`,
      });
    }
    fixed[what] = has;
  }
  return fixed;
}

function checkSizes(options: TdOptions): void {
  const { memoryBytes, populatedBytes, initialImageBytes, pageSize } = options;
  const sizes = [
    ["memory", memoryBytes],
    ["populated size", populatedBytes],
    ["initial image", initialImageBytes],
  ] as const;
  for (const [what, bytes] of sizes) {
    if (bytes % PAGE_BYTES[pageSize] === 0) continue;
    throw new Failure("usage", `the ${what} of ${bytes} bytes is not a multiple of ${pageSize}`, {
      hint: `sizes are whole pages; the page size is ${pageSize}`,
    });
  }
  if (memoryBytes === 0) throw new Failure("usage", "a TD needs memory");
  if (memoryBytes > MEMORY_MAX) {
    throw new Failure("usage", `the memory is more than a host holds (${formatSize(MEMORY_MAX)})`);
  }
  if (populatedBytes > memoryBytes) {
    throw new Failure("usage", "the populated size is larger than the memory");
  }
  if (initialImageBytes > populatedBytes) {
    throw new Failure("usage", "the initial image is larger than the populated size");
  }
}

function checkCount(what: string, count: number, least: number, most: number): void {
  if (Number.isInteger(count) && count >= least && count <= most) return;
  throw new Failure("usage", `${count} ${what} is not between ${least} and ${most}`);
}
