import { tdhPhymemPamtAdd } from "../module/leaves/tdh-phymem-pamt-add.ts";
import { dropIdlePamt, getPamt, putPamt } from "./dynamic-pamt.ts";
import { failed, type KvmError, seamcallFailed } from "./kvm-error.ts";
import { PAGES_PER_REGION } from "./pamt-regions.ts";
import type { KvmHost, KvmVm } from "./vm.ts";

/** Work on one page has no room for a pause. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Host pages for a control structure, with their PAMT pages where the kernel keeps them: all of
 * them before the first SEAMCALL (V16-020, V19-044), or none.
 */
export function takeControlPages(
  host: KvmHost,
  vm: KvmVm,
  ioctl: string,
  count: number,
): number[] | KvmError {
  const pages: number[] = [];
  while (pages.length < count) {
    const page = takeControlPage(host, vm, ioctl);
    if (typeof page !== "number") {
      giveBack(host, vm, pages);
      return page;
    }
    pages.push(page);
  }
  return pages;
}

/** Pages that were taken and not given to the module are free again. */
export function giveBack(host: KvmHost, vm: KvmVm, pages: readonly number[]): void {
  for (const page of pages) freeControlPages(host, vm, page);
}

/**
 * Consecutive host pages for up to `most` control structures of `each` pages; null where not even
 * one finds them. Where the kernel keeps PAMT pages, all share a region: its PAMT pages are asked
 * for with the first page or not at all, as page by page.
 */
export function takeControlRow(
  host: KvmHost,
  vm: KvmVm,
  ioctl: string,
  each: number,
  most: number,
): { page: number; count: number } | KvmError | null {
  const { control } = host.pages;
  const taken = control.alloc(each * most);
  if (taken === null) return null;
  const { page } = taken;
  const region = PAGES_PER_REGION - (page % PAGES_PER_REGION);
  const usable = vm.generation.hasDynamicPamt ? Math.min(taken.count, region) : taken.count;
  const count = Math.floor(usable / each);
  const pages = count * each;
  if (pages < taken.count) control.free(page + pages, taken.count - pages);
  if (count === 0) return null;
  const undo = (): void => control.free(page, pages);
  const refused = atOnce(getPamt(host, vm, [{ page, count: pages }], undo));
  if (refused === null) return { page, count };
  return seamcallFailed(ioctl, "EIO", tdhPhymemPamtAdd, refused);
}

function takeControlPage(host: KvmHost, vm: KvmVm, ioctl: string): number | KvmError {
  const taken = host.pages.control.alloc(1);
  if (taken === null) return failed(ioctl, "ENOMEM", "no host page for a control structure");
  const undo = (): void => host.pages.control.free(taken.page, 1);
  const refused = atOnce(getPamt(host, vm, [taken], undo));
  if (refused === null) return taken.page;
  return seamcallFailed(ioctl, "EIO", tdhPhymemPamtAdd, refused);
}

/** Consecutive pages of control structures are KVM's again. */
export function freeControlPages(host: KvmHost, vm: KvmVm, pfn: number, pages = 1): void {
  host.pages.control.free(pfn, pages);
  if (!vm.generation.hasDynamicPamt) return;
  putPamt(host, vm, pfn, pages);
  atOnce(dropIdlePamt(host, vm));
}
