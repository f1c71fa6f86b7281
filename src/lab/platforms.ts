import { formatCounted } from "../units/count.ts";
import { GIB } from "../units/page.ts";

/** A host as `--platform` names it (`tdx-sim/platform/v1`); what is absent is as large as needed. */
export interface PlatformShape {
  readonly schema: "tdx-sim/platform/v1";
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** Private KeyIDs as firmware sets them apart; the module takes the first for itself. */
  readonly privateKeyIds: { readonly first: number; readonly count: number };
  readonly packages?: number;
  readonly lps?: number;
  /** Memory that TDs can have, with their Secure EPT and control pages; a multiple of 1 GiB. */
  readonly memoryBytes?: number;
  /** Parts in which TDH.PHYMEM.CACHE.WB writes a cache back; it can be interrupted between two. */
  readonly cacheSubBlocks?: number;
  /** False: CPUs without X86_BUG_TDX_PW_MCE, so that kernel `skip-clear` clears no page. */
  readonly pwMce?: boolean;
}

const DMESG =
  "Linux dmesg, 'BIOS enabled: private KeyID range', fixtures/published-measurements.json";
const LARGEST = { first: 64, count: 64 } as const;

function keyIds(first: number, count: number): PlatformShape {
  const end = first + count;
  return {
    schema: "tdx-sim/platform/v1",
    name: `hkids-${count - 1}`,
    description: `private KeyIDs [${first}, ${end}): ${count - 1} TDs at once`,
    source: `${DMESG}, hkid-[${first},${end})`,
    privateKeyIds: { first, count },
  };
}

function sockets(packages: number, word: string): PlatformShape {
  return {
    schema: "tdx-sim/platform/v1",
    name: `${word}-socket`,
    description: `${formatCounted(packages, "package")} of 64 LPs, their caches written back in 8 parts`,
    source:
      "an assumed server: no published TDX host states packages, LPs and cache parts together",
    privateKeyIds: LARGEST,
    packages,
    lps: packages * 64,
    cacheSubBlocks: 8,
  };
}

/** The host of the tests that drive physical limits: small enough to be filled. */
const SMALL: PlatformShape = {
  schema: "tdx-sim/platform/v1",
  name: "small",
  description: "16 LPs, 32 GiB for TDs and 15 HKIDs: a host that fills up",
  source: `assumed; its KeyIDs: ${DMESG}, hkid-[16,32)`,
  privateKeyIds: { first: 16, count: 16 },
  packages: 1,
  lps: 16,
  memoryBytes: 32 * GIB,
};

/** kvm-teardown D.3: Sapphire and Emerald Rapids have the erratum, later CPUs have not. */
const NO_PW_MCE: PlatformShape = {
  schema: "tdx-sim/platform/v1",
  name: "no-pw-mce",
  description: "CPUs without X86_BUG_TDX_PW_MCE, later than Emerald Rapids",
  source: "x86/tdx: Skip clearing reclaimed pages unless X86_BUG_TDX_PW_MCE is present, V7",
  privateKeyIds: LARGEST,
  pwMce: false,
};

/** Hosts by the name `--platform` takes. */
export const PLATFORMS: ReadonlyMap<string, PlatformShape> = new Map(
  [
    keyIds(64, 64),
    keyIds(16, 48),
    keyIds(32, 32),
    keyIds(16, 16),
    sockets(1, "one"),
    sockets(2, "two"),
    sockets(4, "four"),
    sockets(8, "eight"),
    SMALL,
    NO_PW_MCE,
  ].map((shape) => [shape.name, shape]),
);
