import { tdhMemPageAdd } from "../module/leaves/tdh-mem-page-add.ts";
import { tdhMemSeptAdd } from "../module/leaves/tdh-mem-sept-add.ts";
import { tdhPhymemPamtAdd } from "../module/leaves/tdh-phymem-pamt-add.ts";
import type { Pages } from "./arena.ts";
import { type BodyStep, executionsBefore, type SeamcallStep, takes } from "./body.ts";
import { BodyProgress } from "./body-progress.ts";
import { errnoOf, policyOf } from "./call-policy.ts";
import { getPamt, putPamt } from "./dynamic-pamt.ts";
import { FRAMES_PER_ENTRY, type LeafLevel } from "./guest-memory.ts";
import { failed, type IoctlResult, seamcallFailed } from "./kvm-error.ts";
import type { KvmHost, KvmVm } from "./vm.ts";

const PAGE_BYTES = 4096;

/** What is mapped, and the steps that map one leaf once its page tables exist. */
export interface Mapping {
  readonly ioctl: string;
  readonly lp: number;
  readonly level: LeafLevel;
  /** Guest frames from one leaf to the next; the leaf's own size where they are contiguous. */
  readonly spacing: number;
  /** Steps of one leaf; `addedLevels` are the tables the body adds before them. */
  leafSteps(gfn: number, pfn: number, addedLevels: number): readonly BodyStep[];
}

interface Tables {
  readonly level: number;
  readonly step: SeamcallStep;
  readonly pfn: number;
  readonly count: number;
}

/**
 * Maps `leaves` leaves from `gfn` on, `spacing` frames apart, adding the Secure EPT pages that are missing on the way: what
 * a fault does under mmu_lock read, page after page (kvm-teardown B, V19-062).
 */
export function* mapLeaves(
  host: KvmHost,
  vm: KvmVm,
  mapping: Mapping,
  gfn: number,
  leaves: number,
): Generator<void, IoctlResult> {
  const frames = FRAMES_PER_ENTRY[mapping.level];
  let at = gfn;
  let left = leaves;
  while (left > 0) {
    const tables = takeTables(host, vm, mapping, at, left);
    if (tables === null) return failed(mapping.ioctl, "ENOMEM", "no host pages for Secure EPT");
    const memory = host.pages.memory.alloc(tables.leaves * frames, frames);
    if (memory === null) {
      giveBack(host, tables.taken, () => 0);
      return failed(mapping.ioctl, "ENOMEM", "no host pages for private memory");
    }
    const count = memory.count / frames;
    const levels = tables.taken.reduce((mask, { level }) => mask | (1 << level), 0);
    const body = [
      ...tables.taken.map(({ step }) => step),
      ...mapping.leafSteps(at, memory.page, levels),
    ];
    const small = pagesOf(mapping, memory.page, tables.taken, count);
    const refused = yield* getPamt(host, vm, small, () => {
      giveBack(host, tables.taken, () => 0);
      host.pages.memory.free(memory.page, memory.count);
    });
    if (refused !== null) return seamcallFailed(mapping.ioctl, "EIO", tdhPhymemPamtAdd, refused);
    const progress = new BodyProgress();
    try {
      yield* host.port.run(body, count, progress);
    } finally {
      const added = addedTables(body, progress);
      putUnusedPamt(host, vm, tables.taken, added, count);
      giveBack(host, tables.taken, added);
      for (const [i, { level, pfn }] of tables.taken.entries()) {
        if (added(i) > 0) vm.memory.addTables(at, level, added(i), pfn);
      }
      // The leaf is mapped by the step after the tables, also where a later one failed.
      const isLastMapped = progress.stepsDone > tables.taken.length;
      const mapped = progress.done + (isLastMapped ? 1 : 0);
      note(vm, mapping, at, memory.page, mapped);
      const unused = memory.count - mapped * frames;
      if (unused > 0) host.pages.memory.free(memory.page + mapped * frames, unused);
      if (mapping.level === 0) putPamt(host, vm, memory.page + mapped, count - mapped);
    }
    if (progress.failure !== null) {
      const { leaf, status } = progress.failure;
      const errno = leaf === tdhMemPageAdd ? errnoOf(vm, "pageAdd", status) : "EIO";
      if (errno === "EIO") vm.state.isBugged = true;
      return seamcallFailed(mapping.ioctl, errno, leaf, status);
    }
    at += progress.done * mapping.spacing;
    left -= progress.done;
  }
  return null;
}

/** Enters what was mapped into KVM's own page table. */
function note(vm: KvmVm, mapping: Mapping, gfn: number, pfn: number, leaves: number): void {
  const { level, spacing } = mapping;
  const frames = FRAMES_PER_ENTRY[level];
  if (spacing === frames) {
    if (leaves > 0) vm.memory.map(level, gfn, pfn, leaves);
    return;
  }
  for (let i = 0; i < leaves; i++) vm.memory.map(level, gfn + i * spacing, pfn + i * frames, 1);
}

/**
 * Host pages for the tables missing from `gfn` on, top level first, and for how many leaves they
 * last: as long as every level's tables either all exist or are all missing.
 */
function takeTables(
  host: KvmHost,
  vm: KvmVm,
  mapping: Mapping,
  gfn: number,
  mostLeaves: number,
): { taken: Tables[]; leaves: number } | null {
  const { spacing } = mapping;
  let frames = mostLeaves * spacing;
  const missing: number[] = [];
  for (let level = vm.state.shape.septLevels - 1; level > mapping.level; level--) {
    const stretch = vm.memory.tablesFrom(gfn, level);
    frames = Math.min(frames, stretch.frames);
    if (!stretch.exists) missing.push(level);
  }
  const taken: Tables[] = [];
  for (const level of missing) {
    const framesPerTable = FRAMES_PER_ENTRY[level] as number;
    const first = Math.floor(gfn / framesPerTable);
    const last = gfn + (Math.ceil(frames / spacing) - 1) * spacing;
    const wanted = Math.floor(last / framesPerTable) - first + 1;
    const pages = host.pages.septOf(level).alloc(wanted);
    if (pages === null) {
      giveBack(host, taken, () => 0);
      return null;
    }
    if (pages.count < wanted) frames = (first + pages.count) * framesPerTable - gfn;
    const step = takes({
      leaf: tdhMemSeptAdd,
      lp: mapping.lp,
      rcx: first * framesPerTable * PAGE_BYTES + level,
      rcxStride: framesPerTable * PAGE_BYTES,
      rdx: vm.tdrAddress,
      r8: pages.page * PAGE_BYTES,
      r8Stride: PAGE_BYTES,
      every: framesPerTable / spacing,
      offset: (gfn - first * framesPerTable) / spacing,
      addedLevels: taken.reduce((mask, upper) => mask | (1 << upper.level), 0),
      retries: policyOf(host, vm, "septAdd"),
    });
    taken.push({ level, step, pfn: pages.page, count: pages.count });
  }
  return { taken, leaves: Math.ceil(frames / spacing) };
}

/** How many tables each table step of a body added before it ended. */
function addedTables(body: readonly BodyStep[], { done, stepsDone }: BodyProgress) {
  return (index: number): number => {
    const step = body[index] as SeamcallStep;
    const before = executionsBefore(step, done);
    // The iteration that failed may have added the table before it failed further on.
    const isDue = done === 0 || (step.offset + done) % step.every === 0;
    return before + (index < stepsDone && isDue ? 1 : 0);
  };
}

/** The pages of 4 KiB of a body: its tables, and its leaves where these are small. */
function pagesOf(
  mapping: Mapping,
  pfn: number,
  taken: readonly Tables[],
  leaves: number,
): readonly Pages[] {
  const tables = taken.map((table) => ({
    page: table.pfn,
    count: executionsBefore(table.step, leaves),
  }));
  return mapping.level === 0 ? [...tables, { page: pfn, count: leaves }] : tables;
}

function putUnusedPamt(
  host: KvmHost,
  vm: KvmVm,
  taken: readonly Tables[],
  used: (index: number) => number,
  leaves: number,
): void {
  for (const [i, { step, pfn }] of taken.entries()) {
    putPamt(host, vm, pfn + used(i), executionsBefore(step, leaves) - used(i));
  }
}

function giveBack(host: KvmHost, taken: readonly Tables[], used: (index: number) => number): void {
  for (const [i, { level, pfn, count }] of taken.entries()) {
    const unused = count - used(i);
    if (unused > 0) host.pages.septOf(level).free(pfn + used(i), unused);
  }
}
