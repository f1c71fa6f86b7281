/**
 * The tests that judge mutants. Those left out take seconds each, which every mutant that
 * survives would cost; they can only kill more.
 */
const FAST = [
  /^module\/.*\.test\.ts$/,
  /^kvm\/.*\.test\.ts$/,
  /^conformance\/(guest-steps|lifecycles)\.test\.ts$/,
  /^model\/span-equals-step\.test\.ts$/,
  /^mutation\/sequences\.ts$/,
];
const SLOW = /^module\/random-seamcalls\.test\.ts$/;

/** @param {readonly string[]} files below test/ @returns {string[]} */
export function guards(files) {
  return files.filter((file) => FAST.some((fast) => fast.test(file)) && !SLOW.test(file)).sort();
}
