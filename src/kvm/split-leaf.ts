import { tdhMemPageDemote } from "../module/leaves/tdh-mem-page-demote.ts";
import { type BodyStep, takes } from "./body.ts";
import { BodyProgress } from "./body-progress.ts";
import { policyOf } from "./call-policy.ts";
import { dropIdlePamt, getPamt, putPamt } from "./dynamic-pamt.ts";
import { FRAMES_PER_ENTRY, type LeafRun } from "./guest-memory.ts";
import { takeLp0 } from "./kick-vcpus.ts";
import { failed, type IoctlResult, seamcallFailed } from "./kvm-error.ts";
import { blockStep, entryOperands } from "./teardown/leaf-entries.ts";
import { trackSteps } from "./teardown/runtime-removal.ts";
import type { KvmHost, KvmVm } from "./vm.ts";

const PAGE_BYTES = 4096;
const LARGE = 1;
const FRAMES = FRAMES_PER_ENTRY[LARGE];

/**
 * Splits the leaf of 2 MiB that guest frame `gfn` lies inside of, if there is one: BLOCK, TRACK,
 * DEMOTE with one new Secure EPT page (kvm-teardown C.1, D.3). The small leaves map the same pages.
 */
export function* splitAt(
  host: KvmHost,
  vm: KvmVm,
  gfn: number,
  ioctl: string,
): Generator<void, IoctlResult> {
  const first = Math.floor(gfn / FRAMES) * FRAMES;
  if (first === gfn || !Number.isFinite(gfn)) return null;
  const found = vm.memory.leavesFrom(LARGE, first);
  if (found === null || found.gfn !== first) return null;
  const leaf: LeafRun = { ...found, leaves: 1 };
  const table = host.pages.sept[LARGE]?.alloc(1);
  if (table === null || table === undefined) {
    return failed(ioctl, "ENOMEM", "no host page for Secure EPT");
  }
  takeLp0(host);
  yield* getPamt(host, vm, table.page, 1);
  yield* getPamt(host, vm, leaf.pfn, FRAMES);
  const progress = new BodyProgress();
  yield* host.port.run(splitBody(host, vm, leaf, table.page), 1, progress);
  if (progress.failure === null) {
    vm.memory.unmap(LARGE, leaf.gfn, 1);
    vm.memory.addTables(leaf.gfn, LARGE, 1, table.page);
    vm.memory.map(0, leaf.gfn, leaf.pfn, FRAMES);
    return null;
  }
  // KVM_BUG_ON, as for any failed zap: the leaf stays what it was, or blocked.
  vm.state.isBugged = true;
  host.pages.sept[LARGE]?.free(table.page, 1);
  putPamt(host, vm, table.page, 1);
  putPamt(host, vm, leaf.pfn, FRAMES);
  yield* dropIdlePamt(host, vm);
  return seamcallFailed(ioctl, "EIO", progress.failure.leaf, progress.failure.status);
}

function splitBody(host: KvmHost, vm: KvmVm, leaf: LeafRun, table: number): BodyStep[] {
  return [
    blockStep(host, vm, leaf),
    ...(vm.state.isFinalized ? trackSteps(host, vm) : []),
    takes({
      leaf: tdhMemPageDemote,
      ...entryOperands(vm, leaf),
      r8: table * PAGE_BYTES,
      ...policyOf(host, vm, "pageDemote"),
    }),
  ];
}
