import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GENERATIONS, strategyNames } from "../../src/lab/kernels.ts";
import { PLATFORMS } from "../../src/lab/platforms.ts";
import { runCli } from "../support/cli.ts";
import { PATIENCE, sample } from "../support/sample.ts";
import {
  expectLinesToKeepToSchema,
  expectToKeepToSchema,
  faultsOf,
} from "../support/shipped-schemas.ts";
import { temporaryDirectory } from "../support/temporary.ts";

function option(flag: string, values: fc.Arbitrary<string | number>): fc.Arbitrary<string[]> {
  return fc
    .option(values, { nil: null })
    .map((value) => (value === null ? [] : [flag, `${value}`]));
}

const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY";
const mib = fc.integer({ min: 1, max: 64 }).map((n) => `${2 * n}M`);

/** Options that every command which tears TDs down takes. */
const options = fc
  .tuple(
    mib.map((size) => ["--memory", size]),
    option("--initial-image", fc.constantFrom("64K", "1M")),
    option("--vcpus", fc.integer({ min: 1, max: 8 })),
    option("--kernel", fc.constantFrom(...GENERATIONS.keys())),
    option("--platform", fc.constantFrom(...PLATFORMS.keys())),
    option("--page-size", fc.constantFrom("4K", "2M")),
    option("--layout", fc.constantFrom("contiguous", "q35", "alternate")),
    option("--seed", fc.maxSafeNat()),
    option("--profile", fc.constantFrom("published-2025", "silicon-build-2025")),
    option(
      "--fault",
      fc.constantFrom(`${RECLAIM}@k=2`, `${RECLAIM}:p=0.01`, `${RECLAIM}:from=1,times=9`),
    ),
    option("--what-if", fc.constantFrom("no-clear", "batch-track", "parallel=2", "huge-leaves")),
    option(
      "--expect",
      fc.constantFrom("runtime.end.pagesLeaked == 0", "runtime.seamcalls.total / 0 < 1"),
    ),
  )
  .map((parts) => parts.flat());

const commands = fc.oneof(
  fc.constantFrom(["compare"], ["sweep"], ["sweep", "--shard", "1/2"]),
  fc.constantFrom(...strategyNames()).map((strategy) => ["destroy", "--strategy", strategy]),
);
const RUN = ["--format", "json", "--export", "ndjson=lines", "--out", "kept"];

test(
  "whatever the options, what is printed, exported and kept keeps to the schemas in the package",
  async () => {
    const codes: (number | null)[] = [];
    await fc.assert(
      fc.asyncProperty(commands, options, async ([command = "", ...own], given) => {
        const cwd = temporaryDirectory("property");
        const trace = command === "sweep" ? [] : ["--export", "perfetto=trace.json"];
        const args = [command, ...own, ...given, ...RUN, ...trace];
        const { code, stdout, stderr } = await runCli(args, { cwd });
        codes.push(code);
        expect([0, 1, 64, 69], stderr).toContain(code);
        if (code !== 0 && code !== 1) {
          expect([stdout, readdirSync(cwd).filter((name) => name !== "kept")]).toEqual(["", []]);
          return;
        }
        const file = (name: string): string => readFileSync(join(cwd, name), "utf8");
        expectToKeepToSchema(stdout);
        expectLinesToKeepToSchema(file("lines"));
        for (const name of readdirSync(join(cwd, "kept")))
          expectToKeepToSchema(file(`kept/${name}`));
        expect(file("kept/result.json")).toBe(stdout);
        if (!existsSync(join(cwd, "trace.json"))) return;
        expect(faultsOf("perfetto", JSON.parse(file("trace.json")))).toBeNull();
      }),
      sample(12, 1000),
    );
    expect(codes).toContain(0);
  },
  PATIENCE,
);
