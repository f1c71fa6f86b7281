import { formatHex64, parseHex64 } from "../units/hex64.ts";
import { runInGuest } from "./guest.ts";
import type { CacheWriteBack, KotEntry } from "./key-ownership.ts";
import { PAIR_AFTER_PAIR, TdxModule } from "./module.ts";
import { PageRuns } from "./page-runs.ts";
import { Pamt, type PamtSnapshot } from "./pamt.ts";
import type { Platform } from "./platform.ts";
import {
  L2SecureEpt,
  type L2SecureEptSnapshot,
  SecureEpt,
  type SecureEptSnapshot,
} from "./secure-ept.ts";
import { TD_PARAMS_BYTES } from "./td-params.ts";
import type { Tdcs } from "./tdcs.ts";
import type { Td } from "./tdr.ts";
import type { Vcpu } from "./tdvps.ts";

/** 64-bit values are hexadecimal text; `params` is TD_PARAMS in hex less the zeroes at its end. */
type TdcsSnapshot = Omit<Tdcs, "attributes" | "xfam" | "params"> & {
  readonly attributes: string;
  readonly xfam: string;
  readonly params: string;
};

type TdSnapshot = Omit<Td, "tdcs" | "sept" | "l2Septs"> & {
  readonly tdcs: TdcsSnapshot;
  readonly sept: SecureEptSnapshot | null;
  readonly l2Septs: readonly L2SecureEptSnapshot[];
};

type VcpuSnapshot = Omit<Vcpu, "td" | "fields"> & {
  /** TDR page. */
  readonly td: number;
  readonly fields: readonly (readonly [number, string])[];
};

/** The module's whole state as plain JSON: numbers, text, arrays. The platform is not part of it. */
export interface ModuleSnapshot {
  readonly kot: readonly KotEntry[];
  readonly cacheWriteBacks: readonly CacheWriteBack[];
  readonly hostMemory: readonly (readonly [number, readonly number[]])[];
  readonly pamt: PamtSnapshot;
  /** Runs of regions with PAMT pages (Dynamic PAMT). */
  readonly pamtPairs: readonly number[];
  readonly tds: readonly TdSnapshot[];
  readonly vcpus: readonly VcpuSnapshot[];
  /** LPs in the guest, each with the TDVPR page of its vCPU. */
  readonly guests: readonly (readonly [number, number])[];
}

export function moduleToJSON(m: TdxModule): ModuleSnapshot {
  return {
    kot: [...m.kot],
    cacheWriteBacks: m.cacheWriteBacks.map(copyWriteBack),
    hostMemory: m.hostMemory.toJSON(),
    pamt: m.pamt.toJSON(),
    pamtPairs: m.pamtPairs.toArray(),
    tds: [...m.tds.values()].map(tdToJSON),
    vcpus: [...m.vcpus.values()].map(vcpuToJSON),
    guests: guestPages(m),
  };
}

/** The module that {@link moduleToJSON} was given, on the same platform. */
export function moduleFromJSON(platform: Platform, snapshot: ModuleSnapshot): TdxModule {
  const m = new TdxModule(platform, {
    pamt: Pamt.restore(platform, snapshot.pamt),
    pamtPairs: PageRuns.fromArray(PAIR_AFTER_PAIR, snapshot.pamtPairs),
    kot: [...snapshot.kot],
    cacheWriteBacks: snapshot.cacheWriteBacks.map(copyWriteBack),
  });
  m.hostMemory.restore(snapshot.hostMemory);
  for (const td of snapshot.tds) m.tds.set(td.page, tdFromJSON(td));
  for (const vcpu of snapshot.vcpus) m.vcpus.set(vcpu.page, vcpuFromJSON(m, vcpu));
  restoreGuests(m, snapshot.guests);
  return m;
}

/** A module in the same state that shares nothing with this one; as fast as copying its runs. */
export function cloneModule(m: TdxModule): TdxModule {
  const copy = new TdxModule(m.platform, {
    pamt: m.pamt.clone(),
    pamtPairs: m.pamtPairs.clone(),
    kot: [...m.kot],
    cacheWriteBacks: m.cacheWriteBacks.map(copyWriteBack),
  });
  copy.hostMemory.restore(m.hostMemory.toJSON());
  for (const td of m.tds.values()) copy.tds.set(td.page, cloneTd(td));
  for (const vcpu of m.vcpus.values()) copy.vcpus.set(vcpu.page, cloneVcpu(copy, vcpu));
  restoreGuests(copy, guestPages(m));
  return copy;
}

function copyWriteBack({ doneBlocks, hkids }: CacheWriteBack): CacheWriteBack {
  return { doneBlocks, hkids: [...hkids] };
}

function tdToJSON(td: Td): TdSnapshot {
  const { tdcs } = td;
  return {
    ...td,
    tdcxPages: [...td.tdcxPages],
    tdcs: {
      ...tdcs,
      refcount: [...tdcs.refcount],
      attributes: formatHex64(tdcs.attributes),
      xfam: formatHex64(tdcs.xfam),
      params: paramsToHex(tdcs.params),
    },
    sept: td.sept?.toJSON() ?? null,
    l2Septs: td.l2Septs.map((l2) => l2.toJSON()),
  };
}

function tdFromJSON(td: TdSnapshot): Td {
  const { tdcs } = td;
  return {
    ...td,
    tdcxPages: [...td.tdcxPages],
    tdcs: {
      ...tdcs,
      refcount: [...tdcs.refcount],
      attributes: parseHex64(tdcs.attributes),
      xfam: parseHex64(tdcs.xfam),
      params: paramsFrom(tdcs.params),
    },
    sept: td.sept === null ? null : SecureEpt.restore(td.sept),
    l2Septs: td.l2Septs.map((l2) => L2SecureEpt.restore(l2)),
  };
}

function cloneTd(td: Td): Td {
  return {
    ...td,
    tdcxPages: [...td.tdcxPages],
    // TD_PARAMS are never written to.
    tdcs: { ...td.tdcs, refcount: [...td.tdcs.refcount] },
    sept: td.sept?.clone() ?? null,
    l2Septs: td.l2Septs.map((l2) => l2.clone()),
  };
}

function paramsToHex(params: Uint8Array): string {
  const end = params.findLastIndex((byte) => byte !== 0) + 1;
  return Array.from(params.subarray(0, end), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Absent before MNG.INIT; afterwards ATTRIBUTES or XFAM say something, so that text is never empty. */
function paramsFrom(hex: string): Uint8Array {
  const params = new Uint8Array(hex === "" ? 0 : TD_PARAMS_BYTES);
  for (let i = 0; i * 2 < hex.length; i++) {
    params[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  }
  return params;
}

function vcpuToJSON(vcpu: Vcpu): VcpuSnapshot {
  const fields = vcpu.fields.map(([key, value]) => [key, formatHex64(value)] as const);
  return { ...vcpu, td: vcpu.td.page, fields };
}

function vcpuFromJSON(m: TdxModule, vcpu: VcpuSnapshot): Vcpu {
  const fields = vcpu.fields.map(([key, value]) => [key, parseHex64(value)] as const);
  return { ...vcpu, td: m.tds.get(vcpu.td) as Td, fields };
}

function cloneVcpu(m: TdxModule, vcpu: Vcpu): Vcpu {
  const td = m.tds.get(vcpu.td.page) as Td;
  return { ...vcpu, td };
}

function guestPages(m: TdxModule): (readonly [number, number])[] {
  const pages: (readonly [number, number])[] = [];
  m.guests.forEach((vcpu, lp) => {
    if (vcpu !== null) pages.push([lp, vcpu.page]);
  });
  return pages;
}

/** Locks of running vCPUs are the only ones held between calls: they follow from who runs. */
function restoreGuests(m: TdxModule, guests: readonly (readonly [number, number])[]): void {
  for (const [lp, page] of guests) runInGuest(m, lp, m.vcpus.get(page) as Vcpu);
}
