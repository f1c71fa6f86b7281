import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

test("the command of docs/credibility.md calibrates on the published times", async () => {
  expect(readFileSync(join(ROOT, "docs/credibility.md"), "utf8")).toContain(
    "`tdx-sim calibrate published-teardowns.csv`",
  );
  const result = await runCli(["calibrate", "published-teardowns.csv"], {
    cwd: join(ROOT, "fixtures"),
  });
  expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("left out -69 %") });
});
