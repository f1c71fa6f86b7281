import { tdhMemPageAdd } from "../module/leaves/tdh-mem-page-add.ts";
import { tdhMrExtend } from "../module/leaves/tdh-mr-extend.ts";
import { takes } from "./body.ts";
import { policyOf } from "./call-policy.ts";
import { failed, type IoctlResult } from "./kvm-error.ts";
import { mapLeaves } from "./map-pages.ts";
import type { KvmHost, KvmVm } from "./vm.ts";
import { refusedIoctl } from "./vm-dead.ts";

const PAGE_BYTES = 4096;
const EXTEND_BYTES = 256;
const INIT_MEM_REGION = "KVM_TDX_INIT_MEM_REGION";
/** The source page of PAGE.ADD: ordinary memory; what it holds is not emulated. */
const SOURCE_ADDRESS = 0x100_0000;

/** KVM_TDX_INIT_MEM_REGION with KVM_TDX_MEASURE_MEMORY_REGION (kvm-teardown A.2; V17-059). */
export function* initMemRegion(
  host: KvmHost,
  vm: KvmVm,
  gfn: number,
  pages: number,
): Generator<void, IoctlResult> {
  host.port.observer.phase(INIT_MEM_REGION);
  const { state } = vm;
  const refused = refusedIoctl(vm, INIT_MEM_REGION);
  if (refused !== null) return refused;
  if (state.isFinalized) return failed(INIT_MEM_REGION, "EINVAL", "the TD is finalised");
  if (state.vcpus.length === 0) return failed(INIT_MEM_REGION, "EINVAL", "there is no vCPU");
  if (pages <= 0) return failed(INIT_MEM_REGION, "EINVAL", "the region is empty");
  const lp = 0;
  const mapping = {
    ioctl: INIT_MEM_REGION,
    lp,
    level: 0 as const,
    spacing: 1,
    leafSteps: (first: number, pfn: number, addedLevels: number) => [
      takes({
        leaf: tdhMemPageAdd,
        lp,
        rcx: first * PAGE_BYTES,
        rcxStride: PAGE_BYTES,
        rdx: vm.tdrAddress,
        r8: pfn * PAGE_BYTES,
        r8Stride: PAGE_BYTES,
        r9: SOURCE_ADDRESS,
        addedLevels,
        pageSize: 0,
        retries: policyOf(host, vm, "pageAdd"),
      }),
      takes({
        leaf: tdhMrExtend,
        lp,
        rcx: first * PAGE_BYTES,
        rcxStride: PAGE_BYTES,
        rdx: vm.tdrAddress,
        times: PAGE_BYTES / EXTEND_BYTES,
        innerStride: EXTEND_BYTES,
        addedLevels: addedLevels | 1,
      }),
    ],
  };
  return yield* mapLeaves(host, vm, mapping, gfn, pages);
}
