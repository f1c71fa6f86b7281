import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LAUNCHER = join(ROOT, "bin/tdx-sim.cjs");

/** Documents with commands to type, and the files that their readers have by then. */
const DOCUMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "README.md": {},
  "docs/tour.md": {},
  "CONTRIBUTING.md": {},
  "docs/ci.md": {},
  "docs/measure-your-host.md": {
    "rows.csv": "fixtures/published-teardowns.csv",
    "teardown.txt": "fixtures/captures/exit-16g-4v.bpftrace.txt",
  },
};

/** Commands of a host with TDX, which no test can type. */
const NEEDS_TDX = /^# (?:perf|bpftrace|cat) /m;

/** Shell: every argument that is no option is a file or folder of the project. */
const THERE = `cd ${ROOT}; for path; do case "$path" in -*) ;; *) [ -e "$path" ] || exit 98 ;; esac; done`;
/** Shell: whether package.json has the script that is named next. */
const SCRIPT =
  "node -e 'process.exit(require(\"./package.json\").scripts[process.argv[1]] ? 0 : 97)'";

interface Block {
  readonly language: string;
  readonly body: string;
}

function blocksOf(document: string): Block[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", body = ""]) => ({
    language,
    body,
  }));
}

/** The lines to type of a block; empty where it has none. */
function scriptOf({ language, body }: Block): string {
  if (language === "sh") return body;
  if (language === "console") {
    return NEEDS_TDX.test(body) ? "" : matches(body, /^\$ (.*)$/gm).join("\n");
  }
  if (language !== "yaml") return "";
  // Steps of CI services; GitHub puts the matrix in.
  const steps = matches(body, /^ *- (?:run: )?((?:npx|tdx-sim) .*)$/gm);
  return steps.join("\n").replace(/\$\{\{ matrix\.shard \}\}/g, "1");
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = ""]) => group);
}

/** What a console block says is printed, `...` standing for anything; null where it says nothing. */
function printedOf({ language, body }: Block): RegExp | null {
  if (language !== "console") return null;
  const lines = body.split("\n").filter((line) => line !== "" && !line.startsWith("$ "));
  const literal = lines.map((line) =>
    line === "..." ? "[\\s\\S]*?" : `${line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\n`,
  );
  return new RegExp(`^${literal.join("")}`);
}

/**
 * A folder as a reader has it who follows a document: the program on the PATH, the fixtures of a
 * clone, the scenario that the document shows, the files named in {@link DOCUMENTS}.
 */
function readersFolder(document: string): { readonly cwd: string; readonly path: string } {
  const cwd = temporaryDirectory("reader");
  const bin = join(cwd, "bin");
  mkdirSync(bin);
  const program = `exec ${process.execPath} ${LAUNCHER} "$@"`;
  const shims: Readonly<Record<string, string>> = {
    "tdx-sim": program,
    npx: `case "$1 $2" in "--yes tdx-sim") shift 2; ${program} ;; "vitest run") shift 2; ${THERE} ;; *) exit 99 ;; esac`,
    // Installing is what brought the reader here, and the tests are at work: of scripts that take long
    // it is asked only whether there are any of these names.
    npm: `cd ${ROOT}; case "$1" in install) ;; test) ${SCRIPT} test ;; run) ${SCRIPT} "$2" ;; *) exec npm "$@" ;; esac`,
  };
  for (const [name, body] of Object.entries(shims)) {
    const own = name === "npm" ? `PATH="$READERS_PATH"\n${body}` : body;
    writeFileSync(join(bin, name), `#!/bin/sh\n${own}\n`, { mode: 0o755 });
  }
  symlinkSync(join(ROOT, "fixtures"), join(cwd, "fixtures"));
  for (const { body } of blocksOf(document)) {
    const name = /^# (\w+\.yaml)\n/.exec(body)?.[1];
    if (name === undefined) continue;
    mkdirSync(join(cwd, "scenarios"), { recursive: true });
    writeFileSync(join(cwd, "scenarios", name), body);
  }
  for (const [name, from] of Object.entries(DOCUMENTS[document] ?? {})) {
    copyFileSync(join(ROOT, from), join(cwd, name));
  }
  return { cwd, path: `${bin}${delimiter}${dirname(process.execPath)}${delimiter}/usr/bin:/bin` };
}

function type(script: string, { cwd, path }: ReturnType<typeof readersFolder>) {
  const usual = `${dirname(process.execPath)}${delimiter}/usr/bin:/bin`;
  return spawnSync("bash", ["-c", script], {
    cwd,
    env: { PATH: path, READERS_PATH: usual, HOME: cwd, TDX_SIM_STORE: join(cwd, "store") },
    encoding: "utf8",
    timeout: 60_000,
  });
}

describe.each(Object.keys(DOCUMENTS))("the commands of %s", (document) => {
  const folder = readersFolder(document);
  const blocks = blocksOf(document).filter((block) => scriptOf(block) !== "");

  test("were found", () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  // In the order of the document: later blocks go on from earlier ones.
  test.sequential.each(blocks.map((block) => ({ block, script: scriptOf(block) })))(
    "$script",
    ({ block, script }) => {
      const printed = printedOf(block);
      if (printed !== null) {
        // As on a terminal, where both streams are read as one.
        expect(type(`exec 2>&1\n${script}`, folder).stdout).toMatch(printed);
        return;
      }
      const { status, stderr } = type(`set -eo pipefail\n${script}`, folder);
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    },
  );
});
