import { tdhPhymemPamtAdd } from "../module/leaves/tdh-phymem-pamt-add.ts";
import { tdhPhymemPamtRemove } from "../module/leaves/tdh-phymem-pamt-remove.ts";
import type { Status } from "../module/status.ts";
import type { Pages } from "./arena.ts";
import { takes } from "./body.ts";
import { BodyProgress } from "./body-progress.ts";
import { PAGES_PER_PAIR, PAGES_PER_REGION } from "./pamt-regions.ts";
import { leak, warn } from "./teardown/aftermath.ts";
import type { KvmHost, KvmVm } from "./vm.ts";

const PAGE_BYTES = 4096;
const REGION_BYTES = PAGES_PER_REGION * PAGE_BYTES;
const PAIR_BYTES = PAGES_PER_PAIR * PAGE_BYTES;

/**
 * Before pages of 4 KiB are given to the module: TDH.PHYMEM.PAMT.ADD for each of their regions that
 * has no PAMT pages yet (kvm-teardown D.3). Nothing in kernels without Dynamic PAMT. The status with
 * which the module refused, or null: then all of the pages are in use.
 *
 * @param giveBack called where none comes into use: the module refused, or the driver stopped
 */
export function* getPamt(
  host: KvmHost,
  vm: KvmVm,
  stretches: readonly Pages[],
  giveBack: () => void,
): Generator<void, Status | null> {
  if (!vm.generation.hasDynamicPamt) return null;
  let isReady = false;
  try {
    for (const stretch of stretches) {
      const refused = yield* addMissing(host, stretch);
      if (refused === null) continue;
      yield* dropIdlePamt(host, vm);
      return refused;
    }
    isReady = true;
  } finally {
    if (!isReady) giveBack();
  }
  for (const { page, count } of stretches) host.pages.pamt.get(page, count);
  return null;
}

function* addMissing(host: KvmHost, { page, count }: Pages): Generator<void, Status | null> {
  const { pamt } = host.pages;
  for (let run = pamt.takePairs(page, count); run !== null; run = pamt.takePairs(page, count)) {
    const progress = new BodyProgress();
    const body = [
      takes({
        leaf: tdhPhymemPamtAdd,
        lp: 0,
        rcx: run.region * REGION_BYTES,
        rcxStride: REGION_BYTES,
        r8: run.pair * PAGE_BYTES,
        r8Stride: PAIR_BYTES,
      }),
    ];
    try {
      yield* host.port.run(body, run.count, progress);
    } finally {
      pamt.add(run, progress.done);
    }
    if (progress.failure !== null) return progress.failure.status;
  }
  return null;
}

/** Pages of 4 KiB came back from the module, or were not given after all. */
export function putPamt(host: KvmHost, vm: KvmVm, pfn: number, pages: number): void {
  if (vm.generation.hasDynamicPamt && pages > 0) host.pages.pamt.put(pfn, pages);
}

/**
 * TDH.PHYMEM.PAMT.REMOVE for every region whose last user is gone. Where it fails, the region's two
 * PAMT pages stay the module's: they are warned of and leaked.
 */
export function* dropIdlePamt(host: KvmHost, vm: KvmVm): Generator<void, void> {
  if (!vm.generation.hasDynamicPamt) return;
  const { pamt } = host.pages;
  for (let run = pamt.firstIdle(); run !== null; run = pamt.firstIdle()) {
    const progress = new BodyProgress();
    const body = [
      takes({
        leaf: tdhPhymemPamtRemove,
        lp: 0,
        rcx: run.region * REGION_BYTES,
        rcxStride: REGION_BYTES,
      }),
    ];
    try {
      yield* host.port.run(body, run.count, progress);
    } finally {
      pamt.remove(run, progress.done);
    }
    const { done, failure } = progress;
    if (failure === null) continue;
    warn(vm, failure.leaf, failure.status);
    leak(vm, run.pair + done * PAGES_PER_PAIR, PAGES_PER_PAIR, "PAMT page");
    pamt.forget(run.region + done);
  }
}
