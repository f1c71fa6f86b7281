import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { runCli, spawnCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { createStep, sequenceVector, vectorFile } from "../support/vectors.ts";

const GOOD = `${JSON.stringify(sequenceVector([createStep({ status: "TDX_SUCCESS" })]))}\n`;
const WRONG = `${JSON.stringify(
  sequenceVector([createStep({ out: { rax: "0x8000020000000001" } })], { id: "seq-wrong" }),
)}\n`;

function file(content: string | Uint8Array, name = "some.ndjson"): string {
  const path = join(temporaryDirectory("vectors"), name);
  writeFileSync(path, content);
  return path;
}

describe("replay", () => {
  test("of the public vectors finds no mismatch in two seconds and exits 0", async () => {
    const { code, stdout, stderr } = await runCli(["replay", vectorFile("seamcall-vectors")], {
      cpuSeconds: 2,
    });
    expect(stdout).toBe(
      "401 sequences, 31,640 steps, 30,508 SEAMCALLs, 330 pairs of leaf and status\n" +
        "0 mismatches\n",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("exits 1 and names sequence, step, leaf, register and both statuses", async () => {
    const { code, stdout, stderr } = await runCli(["replay", "-"], { input: GOOD + WRONG });
    expect(code).toBe(1);
    expect(stdout).toContain(
      [
        "1 mismatch in 1 sequence",
        "",
        "seq-wrong step 0 TDH.MNG.CREATE: rax",
        "  recorded 0x8000020000000001  (TDX_OPERAND_BUSY|RCX)",
        "  emulated 0x0  (TDX_SUCCESS)",
      ].join("\n"),
    );
    expect(stderr).toBe("tdx-sim: stdin: 1 mismatch in 1 sequence\n");
  });

  test("gives tdx-sim/replay/v1 as JSON", async () => {
    const { code, stdout } = await runCli(["replay", "-", "--format", "json"], { input: WRONG });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      schema: "tdx-sim/replay/v1",
      sequences: 1,
      steps: 1,
      seamcalls: 1,
      mismatches: 1,
      sequencesWithMismatch: 1,
      pairs: { "TDH.MNG.CREATE": { TDX_SUCCESS: 1 } },
      first: [
        {
          sequence: "seq-wrong",
          step: 0,
          leaf: "TDH.MNG.CREATE",
          field: "rax",
          expected: "0x8000020000000001",
          actual: "0x0",
          expectedStatus: "TDX_OPERAND_BUSY|RCX",
          actualStatus: "TDX_SUCCESS",
        },
      ],
    });
  });

  test("lists twenty mismatches, with --all every one", async () => {
    const input = WRONG.repeat(21);
    const some = await runCli(["replay", "-"], { input });
    expect(some.stdout.match(/^seq-wrong/gm)).toHaveLength(20);
    expect(some.stdout).toContain("1 more; --all lists them\n");
    const all = await runCli(["replay", "-", "--all"], { input });
    expect(all.stdout.match(/^seq-wrong/gm)).toHaveLength(21);
  });

  test("reads gzip from a file and from stdin", async () => {
    const compressed = gzipSync(GOOD);
    expect(await runCli(["replay", file(compressed, "some.gz")])).toMatchObject({ code: 0 });
    expect(await runCli(["replay", "-"], { input: compressed })).toMatchObject({ code: 0 });
  });
});

describe("bad input to replay", () => {
  test("exits 65 with file and line", async () => {
    const path = file(`${GOOD}{"id": 7}\n`);
    expect(await runCli(["replay", path])).toMatchObject({
      code: 65,
      stdout: "",
      stderr: `tdx-sim: ${path}:2: id: a text is wanted here, not 7\n`,
    });
  });

  test("exits 65 for a line of 100 MB without holding it", async () => {
    const { code, stderr } = await runCli(["replay", "-"], {
      input: Buffer.alloc(100_000_000, "x"),
    });
    expect(code).toBe(65);
    expect(stderr).toMatch(/^tdx-sim: stdin:1: the line is longer than \d+ bytes\n/);
  });

  test("exits 65 for an empty file", async () => {
    expect(await runCli(["replay", file("")])).toMatchObject({ code: 65, stdout: "" });
  });

  test("exits 66 for a missing file and 74 for one that cannot be read", async () => {
    const directory = temporaryDirectory("vectors");
    expect(await runCli(["replay", join(directory, "none.ndjson")])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining("none.ndjson (ENOENT)"),
    });
    expect(await runCli(["replay", directory])).toMatchObject({
      code: 74,
      stderr: expect.stringContaining("EISDIR"),
    });
  });

  test("exits 64 without a file", async () => {
    expect(await runCli(["replay"])).toMatchObject({ code: 64, stdout: "" });
  });
});

test("a replay that waits for its input ends with a signal's exit code", async () => {
  const child = spawnCli(["replay", "-"]);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  child.stdin.write(GOOD);
  // The program has nothing to say until its input ends, so give it time to begin waiting.
  setTimeout(() => child.kill("SIGINT"), 500);
  expect(await ended).toBe(130);
});
