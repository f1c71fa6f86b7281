import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

type WrongUse = readonly [args: string, code: number, said: RegExp];

const WRONG: readonly WrongUse[] = [
  ["teardown", 64, /unknown command 'teardown'/],
  ["comprae", 64, /did you mean compare\?/],
  ["store", 64, /store needs a subcommand/],
  ["store mend", 64, /unknown command 'mend'/],
  ["store unlock", 64, /missing required argument 'id'/],
  ["show", 64, /missing required argument 'name'/],
  ["show a b", 64, /too many arguments/],
  ["show nobody", 66, /no TD nobody/],
  ["show ../../etc/passwd", 64, /is not a TD name/],
  ["create -- -rf", 64, /is not a TD name/],
  ["create UPPER", 64, /is not a TD name/],
  ["create __proto__", 64, /is not a TD name/],
  ["destroy nobody", 66, /no TD nobody/],
  ["destroy nobody --memory 1G", 64, /names a stored one/],
  ["destroy --hint --strategy exit", 64, /cannot be used with/],
  ["destroy --memory 1M --strategy nosuch", 64, /no strategy "nosuch"/],
  ["destroy --hnit", 64, /did you mean --hint\?/],
  ["populate", 66, /no live TD/],
  ["populate nobody", 66, /no TD nobody/],
  ["compare --memory lots", 64, /--memory <size>: "lots" is not a size/],
  ["compare --memory 16GB", 64, /sizes are binary/],
  ["compare --memory -1", 64, /--memory/],
  ["compare --memory 0", 64, /needs memory/],
  ["compare --memory 5000", 64, /not a multiple of 4K/],
  ["compare --memory 1G --page-size 2M --populated 4K", 64, /not a multiple of 2M/],
  ["compare --memory 99999999999T", 64, /too large/],
  ["compare --memory", 64, /argument missing/],
  ["compare --memory 1G --populated 2G", 64, /larger than the memory/],
  ["compare --page-size 1G", 64, /no TD pages of 1 GiB/],
  ["compare --page-size 4", 64, /no TD pages of 4 B/],
  ["compare --vcpus 0", 64, /vCPUs/],
  ["compare --vcpus 1.5", 64, /"1\.5" is not a whole number/],
  ["compare --vcpus 1e3", 64, /"1e3" is not a whole number/],
  ["compare --packages 9", 64, /packages/],
  ["compare --layout scattered", 64, /allowed choices are contiguous, q35, alternate/],
  ["compare --kernel v99", 64, /no kernel generation "v99"/],
  ["compare --td published-4x19", 64, /did you mean published-4x18\?/],
  ["compare --profile nosuch", 64, /no profile called "nosuch"/],
  ["compare --profile ./nosuch.json", 66, /no file \.\/nosuch\.json \(ENOENT\)/],
  ["compare --seed x", 64, /--seed <n>: "x" is not a whole number/],
  ["compare --format xml", 64, /allowed choices are table, csv, /],
  ["compare --export json", 64, /is not FORMAT=FILE/],
  ["compare --export xml=x", 64, /no format "xml"/],
  ["compare --export json=a --export csv=a", 64, /named twice/],
  ["compare --export json=- --format csv", 64, /both write to stdout/],
  ["compare --export json=no/such/place", 73, /no\/such\/place: no such file .*\(ENOENT\)/],
  ["compare --export json=.", 73, /is a directory/],
  ["compare --color sometimes", 64, /allowed choices are auto, always, never/],
  ["help nosuchtopic", 64, /no command or topic/],
];

describe("wrong usage", () => {
  test.each(WRONG)("%s exits %i with one reason", async (args, code, said) => {
    const result = await runCli(args.split(" "));
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(said);
    expect(result.stderr).toMatch(/^tdx-sim: .+\n(hint: .+\n)?$/);
  });

  test("echoes nothing that a terminal would obey", async () => {
    const { code, stderr } = await runCli(["show", "\x1b[2Jx\u202ey\n"]);
    expect(code).toBe(64);
    expect(stderr).toContain("\\u001b[2Jx\\u202ey\\u000a");
    expect(stderr.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]*$/);
  });

  test("shows a stack only when it is asked for", async () => {
    const { stderr } = await runCli(["show", "nobody"], { env: { TDX_SIM_DEBUG: "1" } });
    expect(stderr).toMatch(/\n +at /);
  });
});

describe("bad profile files", () => {
  test.each([
    ["not JSON", "{"],
    ["not a profile", '{"schema":"tdx-sim/profile/v1"}'],
    ["an array", "[]"],
  ])("that are %s exit 65", async (_what, text) => {
    const path = join(temporaryDirectory(), "profile.json");
    writeFileSync(path, text);
    const { code, stderr } = await runCli(["compare", "--memory", "1G", "--profile", path]);
    expect(code).toBe(65);
    expect(stderr).toContain(path);
  });
});

describe("a store that cannot be", () => {
  test.each(["list", "create", "compare"])(
    "makes %s exit 78 when it is a file",
    async (command) => {
      const file = join(temporaryDirectory(), "file");
      writeFileSync(file, "");
      const { code, stderr } = await runCli([command, "--store", file]);
      expect(code).toBe(78);
      expect(stderr).toContain(`${file} is not a directory`);
    },
  );
});
