import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { type CliResult, runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/tdx-sim.cjs", import.meta.url));
const CREATE = ["create", "web", "--memory", "64K", "--vcpus", "1"];
const isRoot = process.getuid?.() === 0;

/** Makes a TD where `env` says, and finds it there again. */
async function expectKept(env: Record<string, string | undefined>, cwd?: string): Promise<void> {
  tally("R13", 1, "places of a store");
  const options = { env, ...(cwd === undefined ? {} : { cwd }) };
  expect(await runCli(CREATE, options)).toMatchObject({ code: 0 });
  expect((await runCli(["list"], options)).stdout).toContain("web");
}

/** Runs a script with the command that makes a TD as its arguments and `WHERE` in its variables. */
function inShell(script: string, where: string, command: readonly string[] = ["sh"]): CliResult {
  const [file = "", ...before] = command;
  const args = [...before, "-c", script, "sh", process.execPath, LAUNCHER, ...CREATE];
  const env = { PATH: process.env["PATH"] ?? "", WHERE: where };
  const { status, signal, stdout, stderr, error } = spawnSync(file, args, {
    encoding: "utf8",
    env,
  });
  return { code: status, signal, stdout: stdout ?? "", stderr: stderr ?? String(error) };
}

function expectPrivate(directory: string): void {
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, "host.1.json")).mode & 0o777).toBe(0o600);
}

function expectRefused({ code, stdout, stderr }: CliResult, exitCode: number): void {
  tally("R13", 1, "places of a store");
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  expect(stderr).toMatch(/^tdx-sim: .+$/m);
  expect(stderr).not.toMatch(/^\s+at /m);
}

describe("a store", () => {
  test.each(["with spaces", "new\nline", "ünï-漢", "-rf", "$(id)", "'quoted\""])(
    "is kept in a directory called %j",
    async (name) => {
      const store = join(temporaryDirectory(), name);
      await expectKept({ TDX_SIM_STORE: store });
      expectPrivate(store);
    },
  );

  test("is kept where a symbolic link leads", async () => {
    const [target, root] = [temporaryDirectory("target"), temporaryDirectory()];
    symlinkSync(target, join(root, "link"));
    await expectKept({ TDX_SIM_STORE: join(root, "link") });
    expect(readdirSync(target)).toEqual(["host.1.json"]);
  });

  test("is not made where a symbolic link leads nowhere", async () => {
    const root = temporaryDirectory();
    symlinkSync(join(root, "gone"), join(root, "link"));
    const store = join(root, "link");
    expectRefused(await runCli(CREATE, { store }), 78);
    expect(existsSync(join(root, "gone"))).toBe(false);
  });

  test("is kept in the XDG state directory, else below HOME", async () => {
    const [state, home] = [temporaryDirectory("state"), temporaryDirectory("home")];
    const env = { TDX_SIM_STORE: undefined, XDG_STATE_HOME: state, HOME: home };
    await expectKept(env);
    expectPrivate(join(state, "tdx-sim"));
    expect(readdirSync(home)).toEqual([]);
    await expectKept({ ...env, XDG_STATE_HOME: undefined });
    expectPrivate(join(home, ".local", "state", "tdx-sim"));
  });

  test("is kept below the user's own home where HOME is missing", async () => {
    tally("R13", 1, "places of a store");
    // Asked for a TD that nobody has, so that the tester's own store stays as it is.
    const env = { TDX_SIM_STORE: undefined, XDG_STATE_HOME: undefined, HOME: undefined };
    const { code, stderr } = await runCli(["show", "no-such-td-of-a-test", "-v"], { env });
    expect(code).toBe(66);
    expect(stderr).toMatch(/^store: \/.*\/\.local\/state\/tdx-sim$/m);
  });

  test.each(["000", "077"])("is for its owner alone under umask %s", (umask) => {
    const store = join(temporaryDirectory(), "store");
    expect(inShell(`umask ${umask}; "$@" --store "$WHERE"`, store)).toMatchObject({ code: 0 });
    expectPrivate(store);
  });

  test("that is relative has no place when the working directory is gone", () => {
    const script = 'cd "$WHERE"; rmdir "$WHERE"; "$@" --store relative';
    expectRefused(inShell(script, temporaryDirectory("cwd")), 78);
  });

  test("that is absolute is kept though the working directory is gone", () => {
    const [cwd, store] = [temporaryDirectory("cwd"), temporaryDirectory("store")];
    const script = `cd "$WHERE"; rmdir "$WHERE"; "$@" --store ${store}`;
    expect(inShell(script, cwd)).toMatchObject({ code: 0 });
    expect(readdirSync(store)).toEqual(["host.1.json"]);
  });

  test.each([
    ["a relative path", 'cd "$WHERE"/a*; "$@" --store relative'],
    ["the option", 'cd "$WHERE"; "$@" --store a*'],
    [
      "the environment",
      'cd "$WHERE"; TDX_SIM_STORE="$(pwd)/$(echo a*)"; export TDX_SIM_STORE; "$@"',
    ],
  ])("is not made under another name where %s is not UTF-8", (_what, script) => {
    const root = temporaryDirectory();
    expectRefused(inShell(`mkdir "$WHERE/$(printf 'a\\377b')"; ${script}`, root), 78);
    expect(readdirSync(root)).toHaveLength(1);
  });

  test("is not made where nothing may be written", ({ skip }) => {
    const root = temporaryDirectory();
    // Permissions do not keep root from writing.
    const readOnly = isRoot ? 'mount -t tmpfs -o ro none "$WHERE" && ' : 'chmod 500 "$WHERE"; ';
    const script = `${readOnly}"$@" --store "$WHERE/store"`;
    const command = isRoot ? ["unshare", "--mount", "sh"] : ["sh"];
    const result = inShell(script, root, command);
    if (/unshare|mount/.test(result.stderr)) skip(`nothing can be mounted: ${result.stderr}`);
    expectRefused(result, 73);
    expect(result.stderr).toMatch(/\((EROFS|EACCES)\)/);
  });

  test("of another user is neither read nor written", async ({ skip }) => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh"];
    // Outside the directories of this run, which nobody else may enter.
    const root = mkdtempSync(join(tmpdir(), "tdx-sim-test-owned-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    chmodSync(root, 0o755);
    const able = inShell('"$1" "$2" --version', root, nobody);
    if (able.code !== 0) skip(`another user cannot start the program here: ${able.stderr}`);
    const store = join(root, "store");
    await runCli(CREATE, { store });
    expectRefused(inShell('"$@" --store "$WHERE/new"', root, nobody), 73);
    expectRefused(inShell('"$@" --store "$WHERE/store"', root, nobody), 74);
    expectRefused(inShell('"$1" "$2" list --store "$WHERE/store"', root, nobody), 74);
    expect(readdirSync(root)).toEqual(["store"]);
    expect(readdirSync(store)).toEqual(["host.1.json"]);
  });
});
