import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { storeState } from "../support/judged-store.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const DAY_MS = 86_400_000;
const LIFE = [
  "create web --memory 1M --vcpus 2 --format json",
  "populate web --format json",
  "destroy web --strategy hint --format json",
];

/** Loaded before the program: another clock, and a copy of the lock for whoever wants to see it. */
const PRELOAD = `
const fs = require("node:fs");
const { CLOCK_AT, CLOCK_SHIFT_MS, LOCK_COPY } = process.env;
const Real = Date;
const shift = CLOCK_AT === undefined ? Number(CLOCK_SHIFT_MS) : Real.parse(CLOCK_AT) - Real.now();
globalThis.Date = class extends Real {
  constructor(...args) {
    if (args.length === 0) super(Real.now() + shift);
    else super(...args);
  }
  static now() {
    return Real.now() + shift;
  }
};
const { linkSync } = fs;
if (LOCK_COPY !== undefined) fs.linkSync = (from, to) => {
  if (to.endsWith("/lock")) fs.copyFileSync(from, LOCK_COPY);
  linkSync(from, to);
};
`;

let preload = "";
let today: { outputs: string[]; state: string };

/** One TD's life with the clock of each command in turn; what was printed and what is stored. */
async function live(...clocks: readonly Record<string, string>[]) {
  const store = temporaryDirectory("store");
  const outputs: string[] = [];
  for (const [at, line] of LIFE.entries()) {
    const clock = clocks[at % clocks.length];
    const env = { NODE_OPTIONS: `--require=${preload}`, CLOCK_SHIFT_MS: "0", ...clock };
    const { code, stdout, stderr } = await runCli(line.split(" "), { store, env });
    expect({ code, stderr: stderr.includes("note:") }, line).toEqual({ code: 0, stderr: false });
    outputs.push(stdout);
  }
  return { outputs, state: storeState(store) };
}

beforeAll(async () => {
  preload = join(temporaryDirectory("clock"), "clock.cjs");
  writeFileSync(preload, PRELOAD);
  today = await live({});
});

test.each<[string, Record<string, string>[]]>([
  ["a day ago", [{ CLOCK_SHIFT_MS: String(-DAY_MS) }]],
  ["after 2038", [{ CLOCK_AT: "2038-01-19T03:14:08Z" }]],
  ["in 1970", [{ CLOCK_AT: "1970-01-01T00:00:00Z" }]],
  [
    "an hour that daylight saving leaves out",
    [{ CLOCK_AT: "2026-03-29T01:30:00Z", TZ: "Europe/Berlin" }],
  ],
  ["elsewhere", [{ TZ: "Pacific/Kiritimati" }, { TZ: "America/St_Johns" }]],
  [
    "earlier with every command",
    [
      { CLOCK_SHIFT_MS: "0" },
      { CLOCK_SHIFT_MS: String(-DAY_MS) },
      { CLOCK_AT: "1999-12-31T23:59:59Z" },
    ],
  ],
])("a TD that lives %s prints and stores the same bytes", async (_when, clocks) => {
  tally("R15", 1, "clocks");
  expect(await live(...clocks)).toEqual(today);
});

test("the clock that is set here is the one that the program reads", async () => {
  const copy = join(temporaryDirectory("lock"), "copy");
  const env = { CLOCK_AT: "2038-01-19T03:14:08Z", LOCK_COPY: copy };
  await runCli(["create", "web"], { env: { NODE_OPTIONS: `--require=${preload}`, ...env } });
  const { since } = JSON.parse(readFileSync(copy, "utf8"));
  expect(since).toMatch(/^2038-01-19T03:14:/);
});
