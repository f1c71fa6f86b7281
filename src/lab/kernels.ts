import type { KernelGeneration, Strategy } from "../kvm/generations/generation.ts";
import { dynamicPamt, hugePages, skipClear } from "../kvm/generations/later.ts";
import { terminate5of5, terminateV4, terminateV5 } from "../kvm/generations/terminate-vm.ts";
import { v6_16 } from "../kvm/generations/v6-16.ts";
import { v16, v17, v18, v19 } from "../kvm/generations/v16.ts";
import { Failure } from "../units/failure.ts";

const ALL = [
  v16,
  v17,
  v18,
  v19,
  v6_16,
  terminateV4,
  terminateV5,
  terminate5of5,
  skipClear,
  hugePages,
  dynamicPamt,
];

/** Kernel generations by name, in the order they were written. */
export const GENERATIONS: ReadonlyMap<string, KernelGeneration> = new Map(
  ALL.map((generation) => [generation.name, generation]),
);

/** The generation of a name that was checked before. */
export function generation(name: string): KernelGeneration {
  const found = GENERATIONS.get(name);
  if (found === undefined) throw new Error(`no kernel generation ${name}`);
  return found;
}

/**
 * A generation by the name that a user gave.
 *
 * @throws Failure `usage` when there is none of that name
 */
export function findGeneration(name: string): KernelGeneration {
  const found = GENERATIONS.get(name);
  if (found !== undefined) return found;
  throw new Failure("usage", `there is no kernel generation "${name}"`, {
    hint: `there is ${[...GENERATIONS.keys()].join(", ")}`,
  });
}

/** Every strategy that any generation has, by name, with the sub-command that starts it. */
function strategiesByName(): Map<string, Strategy> {
  return new Map(ALL.flatMap(({ strategies }) => strategies.map((each) => [each.name, each])));
}

/** Names of all strategies, in the order in which the generations brought them. */
export function strategyNames(): string[] {
  return [...strategiesByName().keys()];
}

/**
 * A strategy by name.
 *
 * @throws Failure `usage` when no generation has it, `refused` when this one does not: the kernel
 *   answers its sub-command as it answers any that it does not know (kvm-teardown A.1)
 */
export function strategyOf(kernel: KernelGeneration, name: string): Strategy {
  const found = kernel.strategies.find((strategy) => strategy.name === name);
  if (found !== undefined) return found;
  const names: readonly string[] = kernel.strategies.map((strategy) => strategy.name);
  const own = names.join(", ");
  const elsewhere = strategiesByName().get(name);
  if (elsewhere === undefined) {
    const others = strategyNames().filter((other) => !names.includes(other));
    throw new Failure("usage", `there is no strategy "${name}"`, {
      hint: `kernel ${kernel.name} has ${own}; others also have ${others.join(", ")}`,
    });
  }
  const command = elsewhere.command ?? "the trigger";
  throw new Failure(
    "refused",
    `kernel ${kernel.name} has no strategy "${name}": ${command} is unknown to it (-EINVAL)`,
    { hint: `it has ${own}`, refusal: { errno: "EINVAL" } },
  );
}
