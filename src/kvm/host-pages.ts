import { Arena, type ArenaSnapshot } from "./arena.ts";
import { PAGES_PER_REGION, PamtRegions, type PamtRegionsSnapshot } from "./pamt-regions.ts";

const GIB_PAGES = 2 ** 18;
const HIGHEST_TABLE_LEVEL = 4;

/**
 * The host's memory for TDs. Control pages, Secure EPT pages of each level and private memory come
 * from separate arenas, so that pages handed out one after the other stay consecutive.
 */
export class HostPages {
  readonly control: Arena;
  /** Secure EPT pages by the level of the entry that points to them, 1 to 4; index 0 is unused. */
  readonly sept: readonly Arena[];
  readonly memory: Arena;
  /** Regions of 2 MiB with PAMT pages of their own, where a kernel keeps them so. */
  readonly pamt: PamtRegions;

  constructor(arenas: Pick<HostPages, "control" | "sept" | "memory" | "pamt">) {
    this.control = arenas.control;
    this.sept = arenas.sept;
    this.memory = arenas.memory;
    this.pamt = arenas.pamt;
  }

  /**
   * Carves `pages` host pages from `start` on; one in 256 holds Secure EPT pages, as many PAMT
   * pages. No two arenas share a region of 2 MiB where these are whole.
   */
  static carve(start: number, pages: number): HostPages {
    const controlPages = Math.min(4 * GIB_PAGES, Math.floor(pages / 16));
    const tablePages = Math.ceil(pages / 256);
    let at = start;
    const next = (count: number): Arena => {
      const whole =
        pages >= GIB_PAGES ? Math.ceil(count / PAGES_PER_REGION) * PAGES_PER_REGION : count;
      const arena = new Arena(at, at + whole);
      at += whole;
      return arena;
    };
    const control = next(controlPages);
    const sept = [next(0)];
    for (let level = 1; level <= HIGHEST_TABLE_LEVEL; level++) {
      sept.push(next(level === 1 ? tablePages : Math.ceil(tablePages / 64)));
    }
    const pamtStart = start + pages - tablePages;
    const memory = new Arena(at, pamtStart);
    const pamt = new PamtRegions(new Arena(pamtStart, start + pages));
    return new HostPages({ control, sept, memory, pamt });
  }

  /** The arena of Secure EPT pages that entries of `level` point to, 1 to 4. */
  septOf(level: number): Arena {
    return this.sept[level] as Arena;
  }

  clone(): HostPages {
    return new HostPages({
      control: this.control.clone(),
      sept: this.sept.map((arena) => arena.clone()),
      memory: this.memory.clone(),
      pamt: this.pamt.clone(),
    });
  }

  toJSON(): HostPagesSnapshot {
    return {
      control: this.control.toJSON(),
      sept: this.sept.map((arena) => arena.toJSON()),
      memory: this.memory.toJSON(),
      pamt: this.pamt.toJSON(),
    };
  }

  static restore(snapshot: HostPagesSnapshot): HostPages {
    return new HostPages({
      control: Arena.restore(snapshot.control),
      sept: snapshot.sept.map((arena) => Arena.restore(arena)),
      memory: Arena.restore(snapshot.memory),
      pamt: PamtRegions.restore(snapshot.pamt),
    });
  }
}

export interface HostPagesSnapshot {
  readonly control: ArenaSnapshot;
  readonly sept: readonly ArenaSnapshot[];
  readonly memory: ArenaSnapshot;
  readonly pamt: PamtRegionsSnapshot;
}
