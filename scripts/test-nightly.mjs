/** Runs every test with the large numbers of docs/reliability.md; arguments go on to vitest. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, TDX_SIM_NIGHTLY: "1" },
});
process.exitCode = status ?? 1;
