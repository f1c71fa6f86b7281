import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { runCli, spawnCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/tdx-sim.cjs", import.meta.url));
const COMPARE = ["compare", "--memory", "64M"];
const PIPE_BYTES = 65_536;
const ESCAPE = "\x1b[";

/** A store whose list is larger than a pipe's buffer. */
async function largeStore(): Promise<string> {
  const store = temporaryDirectory("large");
  for (let made = 0; made < 10; made += 1) {
    const name = `td-with-many-runs-${made}`;
    await runCli(["create", name, "--memory", "1M", "--layout", "alternate"], { store });
    await runCli(["populate", name], { store });
  }
  return store;
}

/** Lists a store into a shell command through a pipe; the code is that of the program. */
async function pipeInto(
  reader: string,
  store: string,
): Promise<{ code: number; output: string; errors: string }> {
  const program = '{ "$0" "$1" list --format json; echo "code $?" >&2; }';
  const child = spawn("sh", ["-c", `${program} | ${reader}`, process.execPath, LAUNCHER], {
    env: { PATH: process.env["PATH"] ?? "", TDX_SIM_STORE: store },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors]: [string[], string[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  await once(child, "close");
  const [, text, code] = /^([\s\S]*)code (\d+)\n$/.exec(errors.join("")) ?? [];
  return { code: Number(code), output: output.join(""), errors: text ?? "" };
}

let large = "";

beforeAll(async () => {
  large = await largeStore();
});

describe("streams", () => {
  test.each(["json", "ndjson", "csv", "markdown", "table"])(
    "stdout is the data of %s alone, stderr is silent",
    async (format) => {
      const { code, stdout, stderr } = await runCli([...COMPARE, "--format", format]);
      expect(code).toBe(0);
      expect(stdout.length).toBeGreaterThan(100);
      expect(stdout.endsWith("\n")).toBe(true);
      expect(stderr).toBe("");
    },
  );

  test("give the same bytes in every time zone and locale", async () => {
    const run = (env: Record<string, string>) => runCli([...COMPARE, "-f", "table"], { env });
    const first = await run({ TZ: "UTC", LANG: "C" });
    const second = await run({ TZ: "Pacific/Auckland", LANG: "de_DE.UTF-8", COLUMNS: "200" });
    expect(second.stdout).toBe(first.stdout);
  });

  test("carry more than a pipe holds to a slow reader, whole", async () => {
    const { code, output } = await pipeInto("{ sleep 0.3; cat; }", large);
    expect(code).toBe(0);
    expect(output.length).toBeGreaterThan(PIPE_BYTES);
    expect(JSON.parse(output)).toHaveLength(10);
  });

  test("end quietly in a pipe to head", async () => {
    const { code, output, errors } = await pipeInto("head -1", large);
    expect({ code, output, errors }).toEqual({ code: 0, output: "[\n", errors: "" });
  });

  test("end quietly when the reader has gone before anything is written", async () => {
    const child = spawnCli([...COMPARE, "--format", "json"]);
    child.stdin.end();
    const errors: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.stdout.destroy();
    const [code, signal] = await once(child, "close");
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(Buffer.concat(errors).toString()).toBe("");
  });

  test.runIf(existsSync("/dev/full"))("that cannot be written exit 74", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [LAUNCHER, ...COMPARE], {
      env: { PATH: process.env["PATH"] ?? "", TDX_SIM_STORE: temporaryDirectory("store") },
      stdio: ["ignore", full, "pipe"],
    });
    const errors: Buffer[] = [];
    child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
    const [code] = await once(child, "close");
    expect(code).toBe(74);
    expect(Buffer.concat(errors).toString()).toBe(
      "tdx-sim: cannot write to standard output: ENOSPC\n",
    );
  });
});

describe("colour", () => {
  const coloured = async (args: readonly string[], env: Record<string, string> = {}) =>
    (await runCli([...COMPARE, ...args], { env })).stdout.includes(ESCAPE);

  test("is not sent down a pipe", async () => {
    expect(await coloured([])).toBe(false);
  });

  test("is sent where it is forced", async () => {
    expect(await coloured(["--color", "always"])).toBe(true);
    expect(await coloured([], { FORCE_COLOR: "1" })).toBe(true);
  });

  test("is not sent with NO_COLOR, whatever else is set", async () => {
    expect(await coloured([], { NO_COLOR: "1", FORCE_COLOR: "1", CLICOLOR_FORCE: "1" })).toBe(
      false,
    );
  });

  test("is not sent with --no-color, whatever else is set", async () => {
    expect(await coloured(["--no-color"], { FORCE_COLOR: "1" })).toBe(false);
  });

  test("never gets into data formats or files", async () => {
    const cwd = temporaryDirectory();
    const args = [...COMPARE, "--color", "always", "--export", "table=out.txt", "-f", "json"];
    const { stdout } = await runCli(args, { cwd });
    expect(stdout).not.toContain(ESCAPE);
    expect(readFileSync(join(cwd, "out.txt"), "utf8")).not.toContain(ESCAPE);
  });

  test("adds to the table and changes nothing else", async () => {
    const plain = await runCli(COMPARE);
    const painted = await runCli([...COMPARE, "--color", "always"]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are made of them
    expect(painted.stdout.replace(/\x1b\[[0-9;]*m/g, "")).toBe(plain.stdout);
  });
});

describe("exports", () => {
  test("are written beside what goes to stdout", async () => {
    const cwd = temporaryDirectory();
    const exports = ["json", "csv", "ndjson", "markdown"].flatMap((format) => [
      "--export",
      `${format}=out.${format}`,
    ]);
    const { code, stdout } = await runCli([...COMPARE, ...exports], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain("SIMULATED");
    expect(readdirSync(cwd).sort()).toEqual(["out.csv", "out.json", "out.markdown", "out.ndjson"]);
    for (const format of ["json", "csv", "ndjson", "markdown"]) {
      const direct = await runCli([...COMPARE, "--format", format]);
      expect(readFileSync(join(cwd, `out.${format}`), "utf8")).toBe(direct.stdout);
    }
  });

  test("go to stdout as -, in place of the table", async () => {
    const exported = await runCli([...COMPARE, "--export", "json=-"]);
    const direct = await runCli([...COMPARE, "--format", "json"]);
    expect(exported).toEqual(direct);
  });

  test("leave the old file as it was when the command fails", async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "out.json"), "old");
    const { code } = await runCli(["destroy", "nobody", "--export", "json=out.json"], { cwd });
    expect(code).toBe(66);
    expect(readdirSync(cwd)).toEqual(["out.json"]);
    expect(readFileSync(join(cwd, "out.json"), "utf8")).toBe("old");
  });

  test("are complete though the reader of stdout has gone", async () => {
    const cwd = temporaryDirectory();
    const child = spawnCli([...COMPARE, "--export", "json=out.json"], { cwd });
    child.stdin.end();
    child.stdout.destroy();
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(() => JSON.parse(readFileSync(join(cwd, "out.json"), "utf8"))).not.toThrow();
  });
});
