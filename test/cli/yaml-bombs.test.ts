import { spawnSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { calmFaults } from "../support/calm-result.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { PATIENCE, runs } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

/** What the reader may take for one file, once it is loaded. */
const REJECTED_WITHIN_MS = 200;
const MEMORY_MAX = 256 * 1024 * 1024;
const LAUNCHER = new URL("../../bin/tdx-sim.cjs", import.meta.url).pathname;
const HEAD = "schema: tdx-sim/scenario/v1\nname: bomb\n";
/** As much as a scenario may hold. */
const ROOM = 32 * 1024 - 200;

function fill(piece: string, room = ROOM): string {
  return piece.repeat(Math.floor(room / piece.length));
}

function numbered(line: (n: number) => string, room = ROOM): string {
  let text = "";
  for (let n = 0; text.length < room - 40; n++) text += line(n);
  return text;
}

/** Levels of lists that each name the one before nine times. */
function laughs(open: string, close: string, item: (level: number, n: number) => string): string {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const items = Array.from({ length: 9 }, (_, n) => item(level, n)).join(", ");
    return `a${level + 1}: &a${level + 1} ${open}${items}${close}\n`;
  });
  return `a0: &a0 lol\n${levels.join("")}`;
}

const BOMBS: readonly (readonly [string, string])[] = [
  ["aliases in lists, nine levels", laughs("[", "]", (level) => `*a${level}`)],
  ["aliases in maps, nine levels", laughs("{", "}", (level, n) => `k${n}: *a${level}`)],
  ["aliases as keys", laughs("{", "}", (level, n) => `? *a${level} : ${n}`)],
  ["merges of many empties", `e: &e {}\nm:\n  <<: [${fill("*e, ")}*e]\n`],
  ["many merges of a map", `e: &e {a: 1}\n${numbered((n) => `m${n}: {<<: *e}\n`)}`],
  ["merges of merges", numbered((n) => `m${n + 1}: &m${n + 1} {<<: *m${n}, k${n}: 1}\n`)],
  ["an alias of itself", "a: &a [*a, *a]\n"],
  ["many anchors, each named once", numbered((n) => `- &a${n} 1\n- *a${n}\n`)],
  ["lists as deep as there is room", fill("[")],
  ["maps as deep as there is room", fill("{a: ")],
  ["block lists as deep", fill("- ")],
  ["complex keys as deep as there is room", fill("? ")],
  ["closing brackets only", fill("]")],
  ["many keys", numbered((n) => `k${n}: 1\n`)],
  ["the same key", fill("key: 1\n")],
  ["many documents", fill("---\n")],
  ["a quoted text that never ends", `a: "${fill("\\x41")}`],
  ["a folded text of empty lines", `a: >9\n${fill("\n")}`],
  ["tags of every kind", fill("- !!python/object:os.system x\n")],
  ["directives", fill("%YAML 1.2\n")],
  ["spaces", `a:${fill(" ")}- b`],
];

const DIRECTORY = temporaryDirectory("bombs");

function written(name: string, text: string): string {
  const file = join(DIRECTORY, `${name.replaceAll(/\W+/g, "-")}.yaml`);
  writeFileSync(file, HEAD + text);
  return file;
}

async function leastMs(file: string, times: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times && least > REJECTED_WITHIN_MS; i++) {
    const result = await runInProcess(["run", file], { HOME: DIRECTORY });
    expect(calmFaults(result).faults, result.stderr).toEqual([]);
    expect(result.code, result.stderr).toBe(65);
    least = Math.min(least, result.elapsedMs);
  }
  return least;
}

test.each(BOMBS)(
  "%s is rejected at once",
  async (name, text) => {
    tally("S3", 1, "YAML bombs");
    await leastMs(written("first", "name: again\n"), 1);
    expect(await leastMs(written(name, text), 6)).toBeLessThan(REJECTED_WITHIN_MS);
  },
  PATIENCE,
);

test.each([
  ["a scalar of 100 MB", 100 * 1024 * 1024],
  ["lists 100,000 deep", 100_000],
])("%s is not read at all", async (_, bytes) => {
  const file = written("large", "[".repeat(100_000));
  truncateSync(file, bytes);
  expect(await leastMs(file, 3)).toBeLessThan(20);
});

const PEAK_MEMORY = new URL("../../bench/peak-memory.cjs", import.meta.url).pathname;

test.each(BOMBS.slice(0, runs(3, BOMBS.length)))("%s takes little memory", (name, text) => {
  const args = ["-r", PEAK_MEMORY, LAUNCHER, "run", written(name, text)];
  const { output, stderr, status } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: {},
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  expect(status, stderr).toBe(65);
  expect(Number(output[3] || Number.NaN)).toBeLessThan(MEMORY_MAX);
});
