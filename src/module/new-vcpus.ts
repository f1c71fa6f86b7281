import type { Span } from "./leaf.ts";
import type { TdxModule } from "./module.ts";
import { PAGE_BYTES } from "./page-types.ts";
import { RCX, type RDX, type Registers } from "./registers.ts";
import { freePagesReach } from "./spans.ts";
import { VCPU_READY, type Vcpu } from "./tdvps.ts";

/**
 * The vCPU that the iteration before made, where a body creates vCPU after vCPU and `register`
 * holds the TDVPR: in a TD that the leaf finds operable (`opStates`), the next ones end as it did
 * while their pages are free. Null where that cannot be told.
 */
export function vcpuBefore(
  m: TdxModule,
  r: Registers,
  register: typeof RCX | typeof RDX,
  span: Span,
  opStates: number,
): Vcpu | null {
  // A kept BEPOCH differs from page to page.
  const isApart = m.runningVcpus > 0 || m.platform.keepsFreedBepoch === true;
  if (span.isOfNewVcpu !== true || isApart) return null;
  const stride = strideOf(register, span);
  const vcpu = m.vcpus.get(((r.low[register] as number) - stride) / PAGE_BYTES);
  if (vcpu?.state !== VCPU_READY || r.isWide(register)) return null;
  return m.checkState(vcpu.td, opStates) ? vcpu : null;
}

/** How many of `most` TDVPR pages are free, one a stride from the one in `register` on. */
export function newTdvprReach(
  m: TdxModule,
  r: Registers,
  register: typeof RCX | typeof RDX,
  span: Span,
  most: number,
): number {
  return freeRowsReach(m, r.low[register] as number, strideOf(register, span), 1, most);
}

/** How many of `most` rows of free pages there are a stride apart, with all pages between them. */
export function freeRowsReach(
  m: TdxModule,
  address: number,
  stride: number,
  pagesPerRow: number,
  most: number,
): number {
  const pages = stride / PAGE_BYTES;
  if (!Number.isInteger(pages) || pages < pagesPerRow) return 1;
  const free = freePagesReach(m, address / PAGE_BYTES, (most - 1) * pages + pagesPerRow, 0);
  return Math.max(1, Math.floor((free - pagesPerRow) / pages) + 1);
}

/** The vCPU of iteration `i` of a span, whose TDVPR `register` holds. */
export function vcpuAt(
  m: TdxModule,
  r: Registers,
  register: typeof RCX | typeof RDX,
  i: number,
): Vcpu {
  const address = (r.low[register] as number) + i * strideOf(register, r.span);
  return m.vcpus.get(address / PAGE_BYTES) as Vcpu;
}

function strideOf(register: typeof RCX | typeof RDX, { rcxStride, rdxStride = 0 }: Span): number {
  return register === RCX ? rcxStride : rdxStride;
}
