import { SHARE } from "./scripts/mutation/sample.mjs";

/** Mutation testing of src/module and src/kvm: `npm run mutate`. */
/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  mutate: ["src/module/**/*.ts", "src/kvm/**/*.ts"],
  plugins: ["./scripts/mutation/runner.mjs", "./scripts/mutation/sample.mjs"],
  checkers: SHARE < 1 ? ["sample"] : [],
  testRunner: "in-process",
  coverageAnalysis: "perTest",
  // What blocks is ended test by test (runner.mjs); this is for the rest, and may not strike what is
  // merely slow on a busy machine.
  timeoutMS: 30_000,
  concurrency: 1,
  // Stryker 9 would rewrite it with TypeScript's old programming interface, which 7 does not have.
  tsconfigFile: "none",
  disableTypeChecks: false,
  ignorePatterns: ["/dist", "/docs/images", "/bench", "/.ci", "/coverage"],
  tempDirName: "coverage/mutation/tmp",
  reporters: ["progress-append-only", "clear-text", "json"],
  incrementalFile: "coverage/mutation/incremental.json",
  jsonReporter: { fileName: "coverage/mutation/mutation.json" },
  thresholds: { high: 90, low: 85, break: 80 },
};
