import type { KernelGeneration, Strategy } from "../kvm/generations/generation.ts";
import { v16 } from "../kvm/generations/v16.ts";
import { Failure } from "../units/failure.ts";

/** Kernel generations by name. */
export const GENERATIONS: ReadonlyMap<string, KernelGeneration> = new Map(
  [v16].map((generation) => [generation.name, generation]),
);

/** The generation of a name that was checked before. */
export function generation(name: string): KernelGeneration {
  const found = GENERATIONS.get(name);
  if (found === undefined) throw new Error(`no kernel generation ${name}`);
  return found;
}

/**
 * A strategy by name.
 *
 * @throws Failure `usage` when no generation has it, `refused` when this one does not
 */
export function strategyOf(kernel: KernelGeneration, name: string): Strategy {
  const found = kernel.strategies.find((strategy) => strategy.name === name);
  if (found !== undefined) return found;
  const all = [...GENERATIONS.values()].flatMap(({ strategies }) => strategies);
  const own = kernel.strategies.map((strategy) => strategy.name).join(", ");
  if (!all.some((strategy) => strategy.name === name)) {
    throw new Failure("usage", `there is no strategy "${name}"`, { hint: `there is ${own}` });
  }
  throw new Failure("refused", `kernel ${kernel.name} has no strategy "${name}" (-EINVAL)`, {
    hint: `it has ${own}`,
    refusal: { errno: "EINVAL" },
  });
}
