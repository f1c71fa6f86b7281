/**
 * A program for `.ci/node-versions`: `many-seeds RUNS` prints one hash of the results and states of
 * so many random runs, always the same ones.
 */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { outcomeOf, randomRun } from "./random-run.ts";

const hash = createHash("sha256");
const numRuns = Number(process.argv[2]);
for (const run of fc.sample(randomRun, { numRuns, seed: 1 })) hash.update(await outcomeOf(run));
process.stdout.write(`${hash.digest("hex")}\n`);
