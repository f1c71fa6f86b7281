import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const ALLOWED =
  /^(LICENSE|NOTICE|README\.md|package\.json|bin\/[\w.-]+\.cjs|dist\/.+|fixtures\/.+)$/;
const NEVER = /\.map$|\.env|node_modules|\.tsbuildinfo|\.test\./;

test("the package holds what it is meant to hold", () => {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout, stderr } = spawnSync("npm", args, { cwd: ROOT, encoding: "utf8", shell: false });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const paths = (packed?.files ?? []).map(({ path }) => path);
  expect(paths, stderr).toContain("bin/tdx-sim.cjs");
  expect(paths.filter((path) => !ALLOWED.test(path) || NEVER.test(path))).toEqual([]);
});

test("every dependency is pinned, and runs no script when installed", () => {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  const { packages } = JSON.parse(readFileSync(new URL("package-lock.json", ROOT), "utf8"));
  const scripted = Object.entries<{ dev?: boolean; hasInstallScript?: boolean }>(packages)
    .filter(([path, { dev, hasInstallScript }]) => path !== "" && !dev && hasInstallScript === true)
    .map(([path]) => path);
  expect(scripted).toEqual([]);
});
