import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { PATIENCE, runs } from "../support/sample.ts";
import { reachOf, whyNoStrace } from "../support/strace.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PATIENCE_MS = Math.max(PATIENCE, 120_000);
/** An empty directory with the package in it, and nothing that it depends on. */
const HOME = temporaryDirectory("installed");
const PACKAGE = join(HOME, "node_modules", "tdx-sim");
const PROGRAM = join(PACKAGE, "bin", "tdx-sim.cjs");
const STORE = join(HOME, "store");
const OUT = join(HOME, "out");
const ENVIRONMENT = { HOME, TDX_SIM_STORE: STORE };
const NO_STRACE = whyNoStrace();
const FIXTURES = join(PACKAGE, "fixtures");

/** In this order: the first work on the TD that the very first makes. */
const COMMANDS: readonly (readonly string[])[] = [
  ["create", "web", "--memory", "1M", "--vcpus", "2"],
  ["populate", "web"],
  ["compare", "web", "--export", `html=${join(OUT, "page.html")}`, "--export", "svg=picture.svg"],
  ["run", join(FIXTURES, "scenarios", "shared-half.yaml"), "--out", join(OUT, "record")],
  ["import", join(FIXTURES, "captures", "exit-16g-4v.bpftrace.txt"), "-f", "csv"],
  ["calibrate", join(FIXTURES, "published-teardowns.csv"), "--output", join(OUT, "p.json")],
  ["destroy", "web", "--hint", "--format", "json"],
  ["reset", "--yes"],
  ["list"],
  ["version"],
  ["help", "formats"],
  ["replay", join(FIXTURES, "conformance", "lifecycles.ndjson.gz")],
  ["sweep", "--memory", "64K,128K", "--vcpus", "1", "--resume", join(OUT, "rows")],
  ["trace", "--memory", "64K", "--export", `perfetto=${join(OUT, "trace.json")}`],
  ["explain", "hint", "--format", "mermaid"],
  ["profile", "list"],
  ["kernels"],
  ["leaves"],
  ["schema", "result"],
  ["completion", "bash"],
];

/** Where the commands may write; the null device takes what is thrown away. */
function isAllowed(path: string): boolean {
  const whole = resolve(OUT, path);
  return whole === "/dev/null" || [STORE, OUT].some((at) => `${whole}${sep}`.startsWith(at + sep));
}

beforeAll(() => {
  mkdirSync(PACKAGE, { recursive: true });
  mkdirSync(OUT);
  const packed = temporaryDirectory("packed");
  const args = ["pack", "--ignore-scripts", "--offline", "--silent", "--pack-destination", packed];
  const { stderr } = spawnSync("npm", args, { cwd: ROOT, encoding: "utf8" });
  const [archive = ""] = readdirSync(packed);
  expect(archive, stderr).toMatch(/^tdx-sim-.*\.tgz$/);
  const unpacked = ["-xzf", join(packed, archive), "-C", PACKAGE, "--strip-components=1"];
  expect(spawnSync("tar", unpacked)).toMatchObject({ status: 0 });
}, PATIENCE_MS);

test(
  "the packed program asks the kernel for no connection, and writes only where it was told",
  async ({ skip }) => {
    if (NO_STRACE !== null) skip(NO_STRACE);
    const commands = COMMANDS.slice(0, runs(8, COMMANDS.length));
    for (const args of commands) {
      const reach = await reachOf([PROGRAM, ...args], ENVIRONMENT, OUT);
      const about = `${args.join(" ")}\n${reach.stderr}`;
      expect(reach.code, about).toBe(0);
      expect(reach.network, about).toEqual([]);
      expect(
        reach.written.filter((path) => !isAllowed(path)),
        about,
      ).toEqual([]);
    }
    // What the options named is there: the paths were seen being written.
    expect(readdirSync(OUT)).toEqual(
      expect.arrayContaining(["p.json", "page.html", "picture.svg", "record"]),
    );
    expect(existsSync(STORE)).toBe(true);
    tally("S9", commands.length, "commands of the packed program");
  },
  PATIENCE_MS,
);

/** A shell without a network: root may have one as it is, others as root of a namespace. */
const WITHOUT_NETWORK = [["--net"], ["--user", "--map-root-user", "--net"]].find(
  (options) => spawnSync("unshare", [...options, "true"]).status === 0,
);

test("the packed program runs where there is no network", ({ skip }) => {
  if (WITHOUT_NETWORK === undefined) {
    return skip("unshare --net is not there or not permitted");
  }
  const store = join(HOME, "elsewhere");
  const script = ["create web --memory 64K", "populate", "compare", "destroy --hint", "list"]
    .map((line) => `"$0" "$1" ${line} --store "$2"`)
    .join(" && ");
  const args = [...WITHOUT_NETWORK, "sh", "-c", script, process.execPath, PROGRAM, store];
  const env = { PATH: process.env["PATH"] ?? "", HOME };
  const { status, stdout, stderr } = spawnSync("unshare", args, { env, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  expect(stdout).toContain("SIMULATED");
  tally("S9", 5, "commands without a network");
});
