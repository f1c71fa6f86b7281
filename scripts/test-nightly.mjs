/**
 * Runs every test with the large numbers of docs/reliability.md, from a seed that is new each time
 * unless TDX_SIM_TEST_SEED gives it; arguments go on to vitest.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const totals = fileURLToPath(new URL("nightly-totals.mjs", import.meta.url));
const seed = process.env["TDX_SIM_TEST_SEED"] ?? String(randomInt(2 ** 31));
console.log(`npm run test:nightly, repeated by TDX_SIM_TEST_SEED=${seed} npm run test:nightly\n`);
const reporters = ["--reporter=default", `--reporter=${totals}`];
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", ...reporters, ...process.argv.slice(2)],
  { stdio: "inherit", env: { ...process.env, TDX_SIM_NIGHTLY: "1", TDX_SIM_TEST_SEED: seed } },
);
process.exitCode = status ?? 1;
