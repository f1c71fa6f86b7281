import type { KernelGeneration, Strategy } from "../kvm/generations/generation.ts";
import { TERMINATE_VM } from "../kvm/teardown/terminate-vm.ts";
import { KvmVm } from "../kvm/vm.ts";
import { Failure } from "../units/failure.ts";
import { findGeneration, strategyOf } from "./kernels.ts";
import type { HostedTd } from "./simulated-host.ts";

/** The TD as another kernel would find it; a TD without PAMT pages of its own is none of some. */
export function crossed(td: HostedTd, kernel: string): HostedTd {
  const other = findGeneration(kernel);
  const { generation: own, state, memory } = td.vm;
  if (own.name === other.name) return td;
  if (own.hasDynamicPamt !== other.hasDynamicPamt) {
    throw new Failure("usage", `TD ${td.name} was made by ${own.name} and cannot go to ${kernel}`, {
      hint: "give TD options instead of a name: each kernel then makes its own TD",
    });
  }
  return { ...td, vm: new KvmVm(other, state, memory) };
}

/**
 * The strategies of a kernel that were asked for. Among several kernels one may lack some, as long
 * as another has them.
 *
 * @throws Failure `usage`, `refused`
 */
export function chosenOf(
  kernel: KernelGeneration,
  names: readonly string[] | undefined,
  all: readonly KernelGeneration[],
): readonly Strategy[] {
  if (names === undefined) return kernel.strategies;
  return names.flatMap((name) => {
    const has = ({ strategies }: KernelGeneration) => strategies.some((each) => each.name === name);
    return !has(kernel) && all.some(has) ? [] : [strategyOf(kernel, name)];
  });
}

/** How the TDs of several kernels differ, though they were asked for alike. */
export function differences([first, ...others]: readonly HostedTd[]): string[] {
  return others
    .filter(({ options }) => options.pageSize !== first?.options.pageSize)
    .map(
      ({ vm, options }) =>
        `${vm.generation.name} maps the same memory with pages of ${options.pageSize}, ` +
        `not of ${first?.options.pageSize}`,
    );
}

/** Strategies that were asked for and that some of the kernels lack. */
export function missing(
  kernels: readonly KernelGeneration[],
  names: readonly string[] | undefined,
): string[] {
  return kernels.flatMap(({ name: kernel, strategies }) => {
    const own = strategies.map(({ name }) => name);
    const lacking = (names ?? []).filter((name) => !own.includes(name));
    return lacking.map((name) => `${kernel} has no strategy ${name} (-EINVAL)`);
  });
}

/**
 * Whether two teardowns make the same SEAMCALLs where all vCPUs stopped before: `exit` and `hint`
 * differ in who starts them, not in a step.
 */
export function areAlike(one: Strategy, other: Strategy): boolean {
  const isTerminated = ({ command }: Strategy) => command === TERMINATE_VM;
  return isTerminated(one) === isTerminated(other) && one.steps.join() === other.steps.join();
}
