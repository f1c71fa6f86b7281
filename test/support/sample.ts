/**
 * How much a randomised test does: a sample with every change, more in the nightly run
 * (`npm run test:nightly`). A failing run is repeated with the seed that it prints.
 */
const NIGHTLY = process.env["TDX_SIM_NIGHTLY"] === "1";
const SEED = process.env["TDX_SIM_TEST_SEED"];

/** Part of the sample that judges a mutant (scripts/mutation); the whole anywhere else. */
const SHARE = Number(process.env["TDX_SIM_TEST_SHARE"] ?? 1);
const FEWEST = 4;

export function runs(everyChange: number, nightly: number): number {
  if (NIGHTLY) return nightly;
  return Math.max(Math.ceil(everyChange * SHARE), Math.min(everyChange, FEWEST));
}

/** Seed of this run: the same with every change, a new one each night, or the one that is given. */
export function testSeed(): number {
  return SEED === undefined ? 20_261_123 : Number(SEED);
}

/** One line that repeats a failed test. */
export function replay(file: string, seed: number): string {
  return `replay: TDX_SIM_TEST_SEED=${seed} npx vitest run ${file}`;
}

/** Milliseconds that a test may take; the nightly numbers need more. */
export const PATIENCE = NIGHTLY ? 3_600_000 : 60_000;

/** Parameters of fast-check: so many runs from this run's seed. */
export function sample(everyChange: number, nightly: number): { numRuns: number; seed: number } {
  return { numRuns: runs(everyChange, nightly), seed: testSeed() };
}
