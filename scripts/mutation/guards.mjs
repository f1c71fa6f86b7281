/**
 * The tests that judge mutants. Random ones take a small share of their sample (runner.mjs); those
 * left out take seconds all the same, which every mutant that survives would cost.
 */
const JUDGES = [
  /^module\/.*\.test\.ts$/,
  /^kvm\/.*\.test\.ts$/,
  /^conformance\/(guest-steps|lifecycles)\.test\.ts$/,
  /^lab\/(interrupted-kernels|interruption|what-if)\.test\.ts$/,
  /^model\/(closed-form|guest-life|ioctls|kernels|span-equals-step)\.lab\.test\.ts$/,
  /^model\/(faulted-kernels|faulted-pairs|faulted-population|metamorphic)\.test\.ts$/,
  /^model\/(span-equals-step|stopped-teardown|vcpus-in-spans)\.test\.ts$/,
  /^mutation\/sequences\.ts$/,
  // Texts and rules of the generations: docs/kernels.md must be what they say.
  /^report\/kernels-markdown\.test\.ts$/,
];
const SLOW = /^module\/random-seamcalls\.test\.ts$/;

/** @param {readonly string[]} files below test/ @returns {string[]} */
export function guards(files) {
  return files
    .filter((file) => JUDGES.some((judge) => judge.test(file)) && !SLOW.test(file))
    .sort();
}
