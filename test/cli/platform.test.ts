import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

async function hostOf(...args: string[]): Promise<unknown> {
  const { stdout, stderr, code } = await runCli([...args, "--format", "json"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout).platform;
}

describe("--platform", () => {
  test("names the host", async () => {
    const host = await hostOf("destroy", "--memory", "1G", "--platform", "four-socket");
    expect(host).toEqual({ packages: 4, lps: 256, hkids: 63 });
  });

  test("knows better than a TD shape how many packages there are", async () => {
    const host = await hostOf("compare", "--td", "gcp-c3-standard-4", "--platform", "two-socket");
    expect(host).toMatchObject({ packages: 2 });
  });

  test("takes a file", async () => {
    const path = join(temporaryDirectory(), "host.json");
    const shape = {
      schema: "tdx-sim/platform/v1",
      name: "lab-7",
      description: "a bench",
      source: "its firmware",
      privateKeyIds: { first: 32, count: 8 },
      lps: 20,
    };
    writeFileSync(path, JSON.stringify(shape));
    const host = await hostOf("destroy", "--memory", "1G", "--platform", path);
    expect(host).toEqual({ packages: 1, lps: 20, hkids: 7 });
  });

  test.each([
    ["--platform hkids-64", 64, "did you mean hkids-63?"],
    ["--platform ./none.json", 66, "no file ./none.json"],
    ["--platform two-socket --packages 4", 64, "has 2 packages, not 4"],
    ["--platform small --memory 64G", 69, "-ENOMEM"],
  ])("%s exits %i", async (args, exit, said) => {
    const { code, stderr, stdout } = await runCli(["destroy", ...args.split(" ")]);
    expect(stderr).toContain(said);
    expect(code).toBe(exit);
    expect(stdout).toBe("");
  });

  test("TDs of one store share its host", async () => {
    const store = temporaryDirectory("store");
    const create = ["create", "--memory", "1G", "--platform"];
    expect((await runCli([...create, "hkids-15"], { store })).code).toBe(0);
    expect((await runCli([...create, "hkids-15"], { store })).code).toBe(0);
    const other = await runCli([...create, "hkids-31"], { store });
    expect(other.code).toBe(64);
    expect(other.stderr).toContain("another one than platform hkids-31");
  });

  test("the TD beyond its HKIDs is refused with ENOSPC", async () => {
    const path = join(temporaryDirectory(), "host.json");
    const shape = {
      schema: "tdx-sim/platform/v1",
      name: "one-key",
      description: "one TD at once",
      source: "none",
      privateKeyIds: { first: 2, count: 2 },
    };
    writeFileSync(path, JSON.stringify(shape));
    const store = temporaryDirectory("store");
    const create = ["create", "--memory", "1G", "--platform", path];
    expect((await runCli(create, { store })).code).toBe(0);
    const second = await runCli(create, { store });
    expect(second.code).toBe(69);
    expect(second.stderr).toContain("ENOSPC");
  });
});

test("--verbose says on stderr what was resolved, and changes no data", async () => {
  const args = ["compare", "--memory", "1G", "--vcpus", "2"];
  const plain = await runCli(args);
  const verbose = await runCli([...args, "--verbose"]);
  expect(plain.stderr).toBe("");
  expect(verbose.stderr).toContain("TD: 1 GiB, 1 GiB populated, 2 vCPUs, pages of 4K");
  expect(verbose.stderr).toContain("cost profile: published-2025");
  expect(verbose.stdout).toBe(plain.stdout);
});
