import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Command lines in the `sh` blocks of a document. */
function commandsIn(document: string): string[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  return blocks.flatMap((block) => block.trim().split("\n"));
}

test("the commands of docs/measure-your-host.md work in their order", async () => {
  const cwd = temporaryDirectory("host");
  copyFileSync(join(ROOT, "fixtures/published-teardowns.csv"), join(cwd, "rows.csv"));
  const capture = "fixtures/captures/exit-16g-4v.bpftrace.txt";
  copyFileSync(join(ROOT, capture), join(cwd, "teardown.txt"));
  const commands = commandsIn("docs/measure-your-host.md");
  expect(commands.length).toBeGreaterThan(4);
  for (const command of commands) {
    const [program, ...args] = command.split(" ");
    expect(program).toBe("tdx-sim");
    const { code, stderr } = await runCli(args, { cwd });
    expect(code, `${command}: ${stderr}`).toBe(0);
  }
});

test("the command of docs/credibility.md calibrates on the published times", async () => {
  expect(readFileSync(join(ROOT, "docs/credibility.md"), "utf8")).toContain(
    "`tdx-sim calibrate published-teardowns.csv`",
  );
  const result = await runCli(["calibrate", "published-teardowns.csv"], {
    cwd: join(ROOT, "fixtures"),
  });
  expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("left out -69 %") });
});
