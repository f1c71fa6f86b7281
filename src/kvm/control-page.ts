import { tdhPhymemPamtAdd } from "../module/leaves/tdh-phymem-pamt-add.ts";
import { dropIdlePamt, getPamt, putPamt } from "./dynamic-pamt.ts";
import { failed, type KvmError, seamcallFailed } from "./kvm-error.ts";
import type { KvmHost, KvmVm } from "./vm.ts";

/** Work on one page has no room for a pause. */
function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** A host page for a control structure, with its PAMT pages where the kernel keeps them. */
export function takeControlPage(host: KvmHost, vm: KvmVm, ioctl: string): number | KvmError {
  const taken = host.pages.control.alloc(1);
  if (taken === null) return failed(ioctl, "ENOMEM", "no host page for a control structure");
  if (!vm.generation.hasDynamicPamt) return taken.page;
  const refused = atOnce(getPamt(host, vm, taken.page, 1));
  if (refused === null) return taken.page;
  host.pages.control.free(taken.page, 1);
  return seamcallFailed(ioctl, "EIO", tdhPhymemPamtAdd, refused);
}

/** Consecutive pages of control structures are KVM's again. */
export function freeControlPages(host: KvmHost, vm: KvmVm, pfn: number, pages = 1): void {
  host.pages.control.free(pfn, pages);
  if (!vm.generation.hasDynamicPamt) return;
  putPamt(host, vm, pfn, pages);
  atOnce(dropIdlePamt(host, vm));
}
