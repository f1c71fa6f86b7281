import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { OutputFormat } from "../../src/cli/outputs.ts";
import { Chance } from "../model/chance.ts";
import { calmFaults } from "../support/calm-result.ts";
import { runCli } from "../support/cli.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { formatFaults, rawFaults } from "../support/format-faults.ts";
import { FIELDS, type Injection } from "../support/injected-fields.ts";
import { injectedText, MARK } from "../support/injected-text.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { memoryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/terminal-injection.test.ts";
const ROUNDS = runs(1000, 20_000);
const OF_RECORDS: readonly OutputFormat[] = ["table", "json", "ndjson", "csv", "markdown"];
const OF_RESULTS: readonly OutputFormat[] = [...OF_RECORDS, "junit", "github", "tap"];
/** Commands that give a result, which has more formats and pictures. */
const WITH_RESULT = new Set(["run", "destroy", "compare"]);

/** Held against the same document with nothing hostile in it. */
const OF_MARKUP = new Set<OutputFormat>(["junit", "svg", "html"]);

interface Asked {
  readonly format: OutputFormat;
  readonly exported: OutputFormat | null;
  readonly colour: boolean;
}

interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly file: string;
}

function questions({ args }: Injection, chance: Chance): Asked {
  const isResult = WITH_RESULT.has(args[0] ?? "");
  const format = chance.pick(isResult ? OF_RESULTS : OF_RECORDS);
  const pictures = [...OF_RESULTS, "svg", "html", "html"] as const;
  return { format, exported: isResult ? chance.pick(pictures) : null, colour: chance.is(0.5) };
}

/** Options go before what comes after `--`. */
function commandLine({ args }: Injection, asked: Asked, file: string): string[] {
  const { format, exported, colour } = asked;
  const takesFormat = !["help", "schema", "create"].includes(args[0] ?? "") && args[1] !== "unlock";
  const [command = "", ...rest] = args;
  const words = ["profile", "store"].includes(command) ? rest.splice(0, 1) : [];
  return [
    ...[command, ...words],
    ...(takesFormat && !rest.some((arg) => arg.startsWith("--format")) ? ["-f", format] : []),
    ...(exported === null ? [] : ["--export", `${exported}=${file}`]),
    ...(colour ? ["--color", "always"] : []),
    ...rest,
  ];
}

/** The command line with this text in this field, in a directory of its own. */
async function told(field: string, text: string, sandbox: string, ask: Asked | Chance) {
  rmSync(sandbox, { recursive: true, force: true });
  mkdirSync(sandbox);
  const injection = FIELDS[field]?.(text, sandbox) ?? { args: [] };
  const asked = ask instanceof Chance ? questions(injection, ask) : ask;
  const file = join(sandbox, "exported");
  const args = commandLine(injection, asked, file);
  const environment = { HOME: sandbox, TDX_SIM_STORE: join(sandbox, "store") };
  const result = await runInProcess(args, { ...environment, ...injection.environment });
  const exported = existsSync(file) ? readFileSync(file, "utf8") : "";
  return { args, asked, result, told: { ...result, file: exported } satisfies Told };
}

function faultsOf({ code, stdout, stderr, file }: Told, harmless: Told, asked: Asked): string[] {
  const { format, exported, colour } = asked;
  const forged = /^(forged|::error)/m.test(stderr) ? ["a forged line"] : [];
  return [
    ...rawFaults(stdout, colour),
    ...rawFaults(stderr, colour),
    // The program inside a page is the page's own, whatever was put in.
    ...rawFaults(file.replaceAll(/<script>.*?<\/script>/gs, ""), false),
    ...forged,
    ...(colour ? [] : calmFaults({ code, signal: null, stdout, stderr }).faults),
    ...formatFaults(format, stdout, harmless.stdout),
    ...(exported === null ? [] : formatFaults(exported, file, harmless.file)),
  ];
}

test(
  "no text from outside reaches a terminal raw, or gets out of its place in any format",
  async () => {
    const sandbox = join(memoryDirectory("injected"), "sandbox");
    const fields = Object.keys(FIELDS);
    const toldBack = new Set<string>();
    const inFormats = new Set<OutputFormat>();
    const seed = testSeed();
    for (let round = 0; round < ROUNDS; round++) {
      const chance = new Chance(seed + round);
      const field = fields[round % fields.length] ?? "";
      const text = injectedText(chance);
      const hostile = await told(field, text, sandbox, chance);
      const { format, exported } = hostile.asked;
      const isMarkup = OF_MARKUP.has(format) || OF_MARKUP.has(exported ?? "table");
      const harmless = isMarkup ? await told(field, MARK, sandbox, hostile.asked) : hostile;
      const { stdout, stderr, file } = hostile.told;
      if (`${stdout}${stderr}${file}`.includes(MARK)) toldBack.add(field);
      if (stdout.includes(MARK)) inFormats.add(format);
      if (file.includes(MARK) && exported !== null) inFormats.add(exported);
      const faults = faultsOf(hostile.told, harmless.told, hostile.asked);
      const about = `${field}: ${JSON.stringify([text, hostile.args])}\n${stderr}${stdout}`;
      if (faults.length > 0) expect(faults, `${about}${replay(FILE, seed)}`).toEqual([]);
    }
    // Otherwise nothing was tried: what is not told back cannot be told raw.
    expect(fields.filter((field) => !toldBack.has(field))).toEqual([]);
    const pictured = [...OF_RESULTS, "html"] as const;
    expect(pictured.filter((format) => !inFormats.has(format))).toEqual([]);
    tally("S6", ROUNDS, "injections");
  },
  PATIENCE,
);

test("the program that is started escapes as the one in this process does", async () => {
  const text = "x\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\u2066";
  for (const args of [["show", text], [text], ["list", "--color", "always", `--${text}`]]) {
    const { code, stdout, stderr } = await runCli(args);
    expect(code, stderr).toBe(64);
    expect([...rawFaults(stdout, false), ...rawFaults(stderr, false)], stderr).toEqual([]);
    expect(stderr).toContain("\\u001b]0;owned");
  }
});
