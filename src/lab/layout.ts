import type { Layout } from "./td-options.ts";

const FRAMES_2_GIB = 2 ** 19;

/** Where pages of one size lie in guest physical address space. */
export interface Segment {
  /** First guest frame (4 KiB). */
  readonly gfn: number;
  /** How many pages of the TD's page size. */
  readonly pages: number;
  /** Guest frames from one page to the next. */
  readonly spacing: number;
}

/**
 * Guest frames of the TD's pages `from` to `to` - 1, each `frames` guest frames large.
 * `q35` is QEMU's split: 2 GiB below 4 GiB, the rest from 4 GiB on; `alternate` maps every second
 * page of a range twice as long.
 */
export function segments(layout: Layout, from: number, to: number, frames: number): Segment[] {
  if (to <= from) return [];
  const pages = to - from;
  switch (layout) {
    case "contiguous":
      return [{ gfn: from * frames, pages, spacing: frames }];
    case "alternate":
      return [{ gfn: 2 * from * frames, pages, spacing: 2 * frames }];
    case "q35": {
      const split = FRAMES_2_GIB / frames;
      const below = Math.max(0, Math.min(to, split) - from);
      const above = Math.max(from, split);
      return [
        { gfn: from * frames, pages: below, spacing: frames },
        { gfn: above * frames + FRAMES_2_GIB, pages: to - above, spacing: frames },
      ].filter((segment) => segment.pages > 0);
    }
  }
}
