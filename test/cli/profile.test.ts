import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BUILT_IN_PROFILES } from "../../src/cost/profiles/index.ts";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FIXTURE = new URL("../../fixtures/profiles/published-2025.json", import.meta.url);

interface EditableProfile {
  readonly terms: { per: Record<string, unknown>; price: Record<string, unknown> }[];
}

/** The default profile as a file of one's own, with something changed. */
function profileFile(change: (profile: EditableProfile) => void): string {
  const profile = JSON.parse(readFileSync(FIXTURE, "utf8")) as EditableProfile;
  change(profile);
  const path = join(temporaryDirectory("profile"), "mine.json");
  writeFileSync(path, JSON.stringify(profile));
  return path;
}

describe("profile list", () => {
  test("names every profile and which is the default", async () => {
    const { code, stdout } = await runCli(["profile", "list", "--format", "json"]);
    expect(code).toBe(0);
    const { schema, profiles } = JSON.parse(stdout);
    expect(schema).toBe("tdx-sim/profiles/v1");
    const names = [...BUILT_IN_PROFILES.keys()];
    expect(profiles).toMatchObject(
      names.map((name) => ({ name, default: name === "published-2025" })),
    );
  });
});

describe("profile show", () => {
  test("as JSON is the profile itself, byte for byte the file in fixtures", async () => {
    const { stdout } = await runCli(["profile", "show", "published-2025", "--format", "json"]);
    expect(stdout).toBe(readFileSync(FIXTURE, "utf8"));
  });

  test("has a row with source and conditions for every number", async () => {
    const { stdout } = await runCli(["profile", "show", "published-2025", "--format", "ndjson"]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) {
      for (const field of ["value", "low", "high", "unit", "basis", "source", "conditions"]) {
        expect(String(row[field])).not.toBe("");
      }
    }
    expect(rows.map(({ part }) => part)).toContain("tolerance");
  });

  test("fits 80 columns but for what has no blank to break at", async () => {
    const { stdout } = await runCli(["profile", "show", "published-2025"]);
    const wide = stdout.split("\n").filter((line) => line.length > 80 && / \S+ /.test(line.trim()));
    expect(wide).toEqual([]);
  });

  test("of a name that there is none of says which there are", async () => {
    expect(await runCli(["profile", "show", "nonsense"])).toMatchObject({
      code: 64,
      stdout: "",
      stderr: expect.stringContaining("published-2025, silicon-build-2025"),
    });
  });
});

describe("profile check", () => {
  test("passes built-in profiles and good files", async () => {
    const good = profileFile(() => {});
    const { code, stdout } = await runCli(["profile", "check", "silicon-build-2025", good]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/silicon-build-2025 +ok/);
    expect(stdout).toMatch(/mine\.json +ok/);
  });

  test.each(["low", "source"])(
    "refuses a number without %s as bad data, and says where",
    async (field) => {
      const bad = profileFile(({ terms }) => delete terms[0]?.price[field]);
      const { code, stdout, stderr } = await runCli(["profile", "check", bad]);
      expect(code).toBe(65);
      expect(stdout).toContain("no profile");
      expect(stderr).toContain(`terms.0.price.${field}`);
    },
  );

  test("checks the others too when one is bad", async () => {
    const bad = profileFile(({ terms }) => delete terms[0]?.price["source"]);
    const args = ["profile", "check", bad, "published-2025", "--format", "json"];
    const { code, stdout } = await runCli(args);
    expect(code).toBe(65);
    expect(JSON.parse(stdout).profiles).toMatchObject([{ valid: false }, { valid: true }]);
  });

  test("remarks on a leaf that the module does not have", async () => {
    const odd = profileFile(({ terms }) => {
      const [first] = terms;
      if (first !== undefined) first.per["leaf"] = "TDH.PHYMEM.PAGE.RECLIAM";
    });
    const { code, stdout } = await runCli(["profile", "check", odd]);
    expect(code).toBe(0);
    expect(stdout).toContain("TDH.PHYMEM.PAGE.RECLIAM");
  });

  test("of a file that is not there is a missing input", async () => {
    expect(await runCli(["profile", "check", "./none.json"])).toMatchObject({ code: 66 });
  });
});

describe("--profile", () => {
  test("prices a teardown with a file of one's own", async () => {
    const dear = profileFile(({ terms }) => {
      for (const { per, price } of terms) {
        if (per["kind"] === "leaf" && per["pageSize"] === "4K") {
          Object.assign(price, { value: 9000, high: 9000 });
        }
      }
    });
    const args = ["destroy", "--hint", "--memory", "1G", "--format", "json"];
    const own = JSON.parse((await runCli([...args, "--profile", dear])).stdout);
    const usual = JSON.parse((await runCli(args)).stdout);
    expect(own.profile.sha256).not.toBe(usual.profile.sha256);
    expect(own.strategies[0].elapsedNs.mid).toBeGreaterThan(usual.strategies[0].elapsedNs.mid);
    expect(own.strategies[0].seamcalls).toEqual(usual.strategies[0].seamcalls);
  });
});
