import type { TdxModule } from "./module.ts";
import type { Registers } from "./registers.ts";
import type { Status } from "./status.ts";

/** How the operands of a call advance from one iteration of a body to the next, in bytes. */
export interface Span {
  readonly rcxStride: number;
  readonly r8Stride: number;
  /** Secure EPT levels (bit mask) whose missing tables the same body adds. */
  readonly addedLevels: number;
}

/** One SEAMCALL leaf, named and numbered as the ABI does. */
export interface Leaf {
  readonly name: string;
  readonly number: number;
  /** Highest version the leaf takes. */
  readonly maxVersion: 0 | 1;
  /** What of the real leaf is not emulated, in words; absent where the emulation is full. */
  readonly missing?: string;
  /**
   * Executes the leaf `count` times. The checks are made on the operands in `r`; `count` above 1
   * says that the caller asked `reach` first, so that what holds for them holds for all.
   */
  run(module: TdxModule, r: Registers, count: number): Status;
  /**
   * How many of `most` iterations, operands advancing as `span` says, start from the same state
   * and therefore end alike. A leaf without it is always executed call by call.
   */
  reach?(module: TdxModule, r: Registers, most: number, span: Span): number;
}
