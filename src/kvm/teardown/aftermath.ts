import type { Leaf } from "../../module/leaf.ts";
import type { Status } from "../../module/status.ts";
import type { KvmVm, LeakedPages } from "../vm.ts";

/** KVM gives `pages` host pages from `pfn` on up: they stay out of use until the host reboots. */
export function leak(vm: KvmVm, pfn: number, pages: number, what: LeakedPages["what"]): void {
  const { leaked } = vm.state;
  const last = leaked.at(-1);
  // One entry for pages that follow each other: a TD that leaks as a whole has millions.
  if (last?.what === what && last.pfn + last.pages === pfn) {
    leaked[leaked.length - 1] = { ...last, pages: last.pages + pages };
  } else leaked.push({ pfn, pages, what });
}

/** `pr_err`/`WARN_ON` of a SEAMCALL's status: KVM goes on. */
export function warn(vm: KvmVm, leaf: Leaf, status: Status): void {
  const { warnings } = vm.state;
  const warning = `${leaf.name} ${status.text}`;
  warnings[warning] = (warnings[warning] ?? 0) + 1;
}

/** `KVM_BUG_ON`: KVM warns, and the VM answers every later ioctl with -EIO. */
export function bug(vm: KvmVm, leaf: Leaf, status: Status): void {
  vm.state.isBugged = true;
  warn(vm, leaf, status);
}
