import { tdhPhymemPageReclaim } from "../../module/leaves/tdh-phymem-page-reclaim.ts";
import { type BodyStep, takes } from "../body.ts";
import { BodyProgress } from "../body-progress.ts";
import { policyOf } from "../call-policy.ts";
import { dropIdlePamt, putPamt } from "../dynamic-pamt.ts";
import { FRAMES_PER_ENTRY, type LeafLevel, type LeafRun } from "../guest-memory.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { leak, warn } from "./aftermath.ts";
import { clearStep } from "./clear-pages.ts";
import { type FrameRange, leavesIn } from "./leaf-entries.ts";

const PAGE_BYTES = 4096;
const HIGHEST_TABLE_LEVEL = 4;

/** RECLAIM and clear of `frames` a unit from host frame `pfn` on (`tdx_reclaim_page`, V16-020). */
function reclaimBody(
  host: KvmHost,
  vm: KvmVm,
  pfn: number,
  frames: number,
  pageSize: number,
): BodyStep[] {
  return [
    takes({
      leaf: tdhPhymemPageReclaim,
      lp: 0,
      rcx: pfn * PAGE_BYTES,
      rcxStride: frames * PAGE_BYTES,
      pageSize,
      retries: policyOf(host, vm, "pageReclaim"),
    }),
    ...clearStep(host, vm, frames),
  ];
}

/**
 * Private pages after the HKID is gone: one RECLAIM and one clear a leaf (kvm-teardown C.3).
 * KVM interleaves them with the tables above; the module does not care, and no count depends on it.
 */
export function* reclaimLeaves(
  host: KvmHost,
  vm: KvmVm,
  range: FrameRange,
  phase: string,
): Generator<void, void> {
  host.port.observer.phase(phase);
  for (const level of [1, 0] as const) {
    for (let run = consecutive(vm, level, range); run; run = consecutive(vm, level, range)) {
      yield* reclaimRun(host, vm, run);
    }
  }
  yield* dropIdlePamt(host, vm);
}

/** The first leaves whose host pages follow each other, wherever the guest sees them. */
function consecutive(
  vm: KvmVm,
  level: LeafLevel,
  range: FrameRange,
): (LeafRun & { endGfn: number }) | null {
  const first = leavesIn(vm, level, range);
  if (first === null) return null;
  const frames = FRAMES_PER_ENTRY[level];
  let leaves = first.leaves;
  let endGfn = first.gfn + leaves * frames;
  for (;;) {
    const next = vm.memory.leavesFrom(level, endGfn);
    if (next === null || next.pfn !== first.pfn + leaves * frames) break;
    const nextEnd = next.gfn + next.leaves * frames;
    if (nextEnd > range.to) break;
    leaves += next.leaves;
    endGfn = nextEnd;
  }
  return { ...first, leaves, endGfn };
}

function* reclaimRun(
  host: KvmHost,
  vm: KvmVm,
  run: LeafRun & { endGfn: number },
): Generator<void, void> {
  const frames = FRAMES_PER_ENTRY[run.level];
  const body = reclaimBody(host, vm, run.pfn, frames, run.level);
  const progress = new BodyProgress();
  try {
    yield* host.port.run(body, run.leaves, progress);
  } finally {
    const { done, over } = progress;
    if (over === run.leaves) {
      vm.memory.unmap(run.level, run.gfn, run.leaves, (run.endGfn - run.gfn) / frames);
    } else unmapFirst(vm, run, over);
    if (done > 0) host.pages.memory.free(run.pfn, done * frames);
    if (run.level === 0) putPamt(host, vm, run.pfn, done);
  }
  const { failure } = progress;
  if (failure === null) return;
  // Warned of and leaked: whoever needs the page finds it owned by the TD still.
  warn(vm, failure.leaf, failure.status);
  leak(vm, run.pfn + progress.done * frames, frames, "private page");
}

function unmapFirst(vm: KvmVm, { level, gfn }: LeafRun, leaves: number): void {
  for (let left = leaves; left > 0; ) {
    const run = vm.memory.leavesFrom(level, gfn) as LeafRun;
    const count = Math.min(left, run.leaves);
    vm.memory.unmap(level, run.gfn, count);
    left -= count;
  }
}

/** Secure EPT pages below the root, children before the tables above them. */
export function* reclaimTables(host: KvmHost, vm: KvmVm): Generator<void, void> {
  host.port.observer.phase("reclaim-sept");
  if (vm.state.hkid !== null) {
    leakTables(vm);
    return;
  }
  for (let level = 1; level <= HIGHEST_TABLE_LEVEL; level++) {
    for (let run = vm.memory.firstTables(level); run; run = vm.memory.firstTables(level)) {
      const progress = new BodyProgress();
      try {
        yield* host.port.run(reclaimBody(host, vm, run.pfn, 1, -1), run.count, progress);
      } finally {
        const { done, over } = progress;
        if (over > 0) vm.memory.removeTables(level, run.index, over);
        if (done > 0) host.pages.septOf(level).free(run.pfn, done);
        putPamt(host, vm, run.pfn, done);
      }
      const { done, failure } = progress;
      if (failure === null) continue;
      warn(vm, failure.leaf, failure.status);
      leak(vm, run.pfn + done, 1, "Secure EPT page");
    }
  }
  yield* dropIdlePamt(host, vm);
}

/** KVM_BUG_ON for each: there is no way to take a Secure EPT page from a TD with keys (C.4). */
function leakTables(vm: KvmVm): void {
  for (let level = 1; level <= HIGHEST_TABLE_LEVEL; level++) {
    for (let run = vm.memory.firstTables(level); run; run = vm.memory.firstTables(level)) {
      vm.state.isBugged = true;
      leak(vm, run.pfn, run.count, "Secure EPT page");
      vm.memory.removeTables(level, run.index, run.count);
    }
  }
}
