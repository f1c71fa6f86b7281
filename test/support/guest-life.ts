/**
 * A guest's memory as plain sets: what conversions, holes and new faults leave of it, and the
 * SEAMCALLs they take (kvm-teardown B, C.1, D.3). Written from that text alone, for TDs of a few
 * thousand pages.
 */
export interface LifeForm {
  readonly pageSize: "4K" | "2M";
  readonly layout: "contiguous" | "q35" | "alternate";
  readonly vcpus: number;
}

const FRAMES_2M = 512;
/** Guest frames that a table of each level maps, lowest first. */
const TABLE_FRAMES = [2 ** 9, 2 ** 18, 2 ** 27] as const;
const GIB_2 = 2 ** 19;

type Counts = Record<string, number>;

export class GuestLife {
  /** Guest frames mapped by leaves of 4 KiB, and first frames of leaves of 2 MiB. */
  readonly small = new Set<number>();
  readonly large = new Set<number>();
  readonly tables = TABLE_FRAMES.map(() => new Set<number>());
  readonly shared = new Set<number>();
  readonly counts: Record<string, Counts> = {};
  vcpuKicks = 0;
  readonly #form: LifeForm;

  constructor(form: LifeForm) {
    this.#form = form;
  }

  #add(phase: string, leaf: string, count: number): void {
    if (count === 0) return;
    this.counts[phase] ??= {};
    const own = this.counts[phase];
    own[leaf] = (own[leaf] ?? 0) + count;
  }

  /** Guest frame of a frame of the TD's memory. */
  #gfn(frame: number): number {
    const { layout, pageSize } = this.#form;
    const frames = pageSize === "4K" ? 1 : FRAMES_2M;
    if (layout === "q35") return frame < GIB_2 ? frame : frame + GIB_2;
    return layout === "contiguous" ? frame : frame + Math.floor(frame / frames) * frames;
  }

  #isMapped(gfn: number): boolean {
    return this.small.has(gfn) || this.large.has(Math.floor(gfn / FRAMES_2M) * FRAMES_2M);
  }

  /** Whether the guest has nothing left to touch in the first `frames`. */
  isFull(frames: number): boolean {
    for (let frame = 0; frame < frames; frame++) {
      const gfn = this.#gfn(frame);
      if (!this.#isMapped(gfn) && !this.shared.has(gfn)) return false;
    }
    return true;
  }

  /** The guest touches every private frame of the first `frames` that is not mapped. */
  populate(frames: number): void {
    for (let frame = 0; frame < frames; frame++) {
      const gfn = this.#gfn(frame);
      if (this.#isMapped(gfn) || this.shared.has(gfn)) continue;
      const isLarge = this.#form.pageSize === "2M" && this.#fitsLarge(gfn);
      if (isLarge) this.large.add(gfn);
      else this.small.add(gfn);
      this.#add("KVM_RUN", "TDH.MEM.SEPT.ADD", this.#newTables(gfn, isLarge ? 1 : 0));
      this.#add("KVM_RUN", "TDH.MEM.PAGE.AUG", 1);
      this.#add("KVM_RUN", "TDH.VP.ENTER", 1);
    }
  }

  /** A leaf of 2 MiB goes where all of it is free and no table was ever put (D.3). */
  #fitsLarge(gfn: number): boolean {
    if (gfn % FRAMES_2M !== 0 || this.tables[0]?.has(gfn / FRAMES_2M)) return false;
    for (let i = 0; i < FRAMES_2M; i++) {
      if (this.#isMapped(gfn + i) || this.shared.has(gfn + i)) return false;
    }
    return true;
  }

  #newTables(gfn: number, lowest: number): number {
    let added = 0;
    for (let level = lowest; level < TABLE_FRAMES.length; level++) {
      const table = Math.floor(gfn / (TABLE_FRAMES[level] as number));
      const known = this.tables[level] as Set<number>;
      if (!known.has(table)) added++;
      known.add(table);
    }
    return added;
  }

  convert(from: number, to: number): void {
    for (const [start, end] of this.#ranges(from, to)) {
      this.#zap("KVM_SET_MEMORY_ATTRIBUTES", start, end);
      for (let gfn = start; gfn < end; gfn++) this.shared.add(gfn);
    }
  }

  convertBack(from: number, to: number): void {
    for (const [start, end] of this.#ranges(from, to)) {
      for (let gfn = start; gfn < end; gfn++) this.shared.delete(gfn);
    }
  }

  punch(from: number, to: number): void {
    for (const [start, end] of this.#ranges(from, to)) {
      this.#zap("fallocate(PUNCH_HOLE)", start, end);
    }
  }

  /** Stretches of guest frames; a stretch may go over frames that no memory lies at. */
  #ranges(from: number, to: number): [number, number][] {
    const ends = this.#form.layout === "q35" && from < GIB_2 && to > GIB_2 ? [GIB_2] : [];
    const cuts = [from, ...ends, to];
    return cuts
      .slice(1)
      .map((end, i) => [this.#gfn(cuts[i] as number), this.#gfn(end - 1) + 1] as [number, number]);
  }

  #shootDown(phase: string): void {
    this.#add(phase, "TDH.MEM.RANGE.BLOCK", 1);
    this.#add(phase, "TDH.MEM.TRACK", 1);
    this.vcpuKicks += this.#form.vcpus;
  }

  #zap(phase: string, start: number, end: number): void {
    for (const edge of [start, end]) this.#split(phase, edge);
    for (const leaf of [...this.large]) {
      if (leaf < start || leaf >= end) continue;
      this.#remove(phase, FRAMES_2M);
      this.large.delete(leaf);
    }
    for (const gfn of [...this.small]) {
      if (gfn < start || gfn >= end) continue;
      this.#remove(phase, 1);
      this.small.delete(gfn);
    }
  }

  #remove(phase: string, frames: number): void {
    this.#shootDown(phase);
    this.#add(phase, "TDH.MEM.PAGE.REMOVE", 1);
    this.#add(phase, "TDH.PHYMEM.PAGE.WBINVD", frames);
  }

  /** A leaf of 2 MiB that goes in part becomes 512 leaves first. */
  #split(phase: string, edge: number): void {
    const leaf = Math.floor(edge / FRAMES_2M) * FRAMES_2M;
    if (leaf === edge || !this.large.has(leaf)) return;
    this.#shootDown(phase);
    this.#add(phase, "TDH.MEM.PAGE.DEMOTE", 1);
    this.large.delete(leaf);
    this.tables[0]?.add(leaf / FRAMES_2M);
    for (let i = 0; i < FRAMES_2M; i++) this.small.add(leaf + i);
  }
}
