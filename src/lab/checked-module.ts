import type { SeamcallInterposer, SeamcallTarget } from "../kvm/seamcall-interposer.ts";
import { checkInvariants } from "../module/invariants.ts";
import type { Leaf } from "../module/leaf.ts";
import { LEAVES } from "../module/leaf-table.ts";
import type { TdxModule } from "../module/module.ts";
import { RAX, type Registers } from "../module/registers.ts";
import type { Status } from "../module/status.ts";

/** Judges the state of a module; throws when it is not sound. */
export type Judge = (judgement: () => void) => void;

/** Stands last before the module and judges its state after every SEAMCALL, or span of them. */
export class CheckedModule implements SeamcallInterposer {
  readonly #module: TdxModule;
  readonly #next: SeamcallInterposer | null;
  readonly #target: SeamcallTarget;
  readonly #judge: Judge;

  /** @param judge runs the judgement given to it; whoever wants to know its cost measures there */
  constructor(module: TdxModule, next: SeamcallInterposer | null, judge: Judge) {
    this.#module = module;
    this.#next = next;
    this.#target = next ?? module;
    this.#judge = judge;
  }

  /** @throws Error when an invariant is broken, which is a bug of the emulator */
  seamcall(lp: number, registers: Registers, count: number): Status {
    const number = registers.low[RAX] as number;
    const status = this.#target.seamcall(lp, registers, count);
    this.#judge(() => {
      const broken = checkInvariants(this.#module);
      if (broken.length === 0) return;
      const call = `${LEAVES[number]?.name ?? number} (${count} times) -> ${status.text}`;
      throw new Error(`invariants are broken after ${call}: ${broken.join("; ")}`);
    });
    return status;
  }

  untouchedCalls(leaf: Leaf): number {
    return this.#next?.untouchedCalls(leaf) ?? Number.POSITIVE_INFINITY;
  }

  untouchedOperands(leaf: Leaf, rcx: number, stride: number, most: number): number {
    return this.#next?.untouchedOperands(leaf, rcx, stride, most) ?? most;
  }
}
