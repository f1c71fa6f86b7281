import { tdhMemPageAug } from "../module/leaves/tdh-mem-page-aug.ts";
import { tdhVpEnter } from "../module/leaves/tdh-vp-enter.ts";
import { takes } from "./body.ts";
import { policyOf } from "./call-policy.ts";
import { FRAMES_PER_ENTRY, type LeafLevel } from "./guest-memory.ts";
import type { IoctlResult } from "./kvm-error.ts";
import { mapLeaves } from "./map-pages.ts";
import { refusedRun } from "./vcpu.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "./vm.ts";

const PAGE_BYTES = 4096;
const RUN = "KVM_RUN";

/** Leaves that the guest touches one after the other. */
export interface Touched {
  readonly level: LeafLevel;
  readonly gfn: number;
  readonly leaves: number;
  /** Guest frames from one leaf to the next; `gfn` is a multiple of it. */
  readonly spacing: number;
}

/**
 * Run-time faults of vCPU 0, whose thread is on LP 0 (kvm-teardown B), in a TD that has one and was
 * finalized: the guest stopped at an EPT violation, KVM adds the missing tables and AUGs the page, enters the guest again, which
 * accepts the page and goes on to the next one.
 */
export function* faultIn(
  host: KvmHost,
  vm: KvmVm,
  { level, gfn, leaves, spacing }: Touched,
): Generator<void, IoctlResult> {
  host.port.observer.phase(RUN);
  const vcpu = vm.state.vcpus[0] as KvmVcpu;
  const refused = refusedRun(vm, vcpu);
  if (refused !== null) return refused;
  const frames = FRAMES_PER_ENTRY[level];
  const stride = spacing * PAGE_BYTES;
  const lp = 0;
  // The fault took this vCPU out of the guest, or its turn on the LP took out another one.
  host.guest.exit(lp);
  const mapping = {
    ioctl: RUN,
    lp,
    level,
    spacing,
    leafSteps: (first: number, pfn: number, addedLevels: number) => [
      takes({
        leaf: tdhMemPageAug,
        lp,
        rcx: first * PAGE_BYTES + level,
        rcxStride: stride,
        rdx: vm.tdrAddress,
        r8: pfn * PAGE_BYTES,
        r8Stride: frames * PAGE_BYTES,
        addedLevels,
        pageSize: level,
        retries: policyOf(host, vm, "pageAug"),
      }),
      takes({ leaf: tdhVpEnter, lp, rcx: (vcpu.tdvpr as number) * PAGE_BYTES }),
      {
        kind: "guest" as const,
        run(iteration: number, count: number) {
          host.guest.accept(lp, first + iteration * spacing, level, count);
          host.guest.exit(lp);
        },
      },
    ],
  };
  return yield* mapLeaves(host, vm, mapping, gfn, leaves);
}
