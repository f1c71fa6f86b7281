import { tdhMemPageDemote } from "../module/leaves/tdh-mem-page-demote.ts";
import { tdhPhymemPamtAdd } from "../module/leaves/tdh-phymem-pamt-add.ts";
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
  const table = host.pages.septOf(LARGE).alloc(1);
  if (table === null) return failed(ioctl, "ENOMEM", "no host page for Secure EPT");
  takeLp0(host);
  const pages = [table, { page: leaf.pfn, count: FRAMES }];
  const freeTable = (): void => host.pages.septOf(LARGE).free(table.page, 1);
  const refused = yield* getPamt(host, vm, pages, freeTable);
  if (refused !== null) return seamcallFailed(ioctl, "EIO", tdhPhymemPamtAdd, refused);
  const progress = new BodyProgress();
  try {
    yield* host.port.run(splitBody(host, vm, leaf, table.page), 1, progress);
  } finally {
    if (progress.done === 1) noteSplit(vm, leaf, table.page);
    else {
      freeTable();
      for (const { page, count } of pages) putPamt(host, vm, page, count);
    }
  }
  if (progress.failure === null) return null;
  // KVM_BUG_ON, as for any failed zap: the leaf stays what it was, or blocked.
  vm.state.isBugged = true;
  yield* dropIdlePamt(host, vm);
  return seamcallFailed(ioctl, "EIO", progress.failure.leaf, progress.failure.status);
}

/** The small leaves map the pages of the large one. */
function noteSplit({ memory }: KvmVm, leaf: LeafRun, table: number): void {
  memory.unmap(LARGE, leaf.gfn, 1);
  memory.addTables(leaf.gfn, LARGE, 1, table);
  memory.map(0, leaf.gfn, leaf.pfn, FRAMES);
}

function splitBody(host: KvmHost, vm: KvmVm, leaf: LeafRun, table: number): BodyStep[] {
  return [
    blockStep(host, vm, leaf),
    ...trackSteps(host, vm),
    takes({
      leaf: tdhMemPageDemote,
      ...entryOperands(vm, leaf),
      r8: table * PAGE_BYTES,
      retries: policyOf(host, vm, "pageDemote"),
    }),
  ];
}
