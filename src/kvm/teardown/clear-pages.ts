import { type BodyStep, hostWork } from "../body.ts";
import type { KvmHost, KvmVm } from "../vm.ts";

/**
 * Whether this kernel clears a page that came back, with 64 MOVDIR64B: since `skip-clear` only on
 * CPUs with X86_BUG_TDX_PW_MCE (kvm-teardown D.3).
 */
function clearsPages(host: KvmHost, vm: KvmVm): boolean {
  const { clears } = vm.generation;
  return clears === "always" || (clears === "with-pw-mce" && host.hasPwMce);
}

/** The clear of `pages` pages of 4 KiB an iteration, as far as this kernel makes it. */
export function clearStep(host: KvmHost, vm: KvmVm, pages: number): BodyStep[] {
  return clearsPages(host, vm) ? [hostWork("pageClears4K", pages)] : [];
}

/** The clear of `pages` pages outside of a body. */
export function clearPages(host: KvmHost, vm: KvmVm, pages: number): void {
  if (clearsPages(host, vm)) host.port.observer.hostWork("pageClears4K", pages);
}
