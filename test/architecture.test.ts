import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { staleIndexes } from "../scripts/indexes.mjs";

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const MAX_LINES = 300;

/** A room may import rooms before it and itself (DESIGN "Rooms"). */
const ROOMS = ["units", "module", "kvm", "ledger", "cost", "lab", "store", "report", "cli"];

/** The four parts of "the module decides, KVM orders, the ledger counts, the profile prices":
 * beyond the order, these rooms see only what is named here. */
const SEES_ONLY: Readonly<Record<string, readonly string[]>> = {
  module: ["units"],
  kvm: ["units", "module"],
  ledger: ["units", "module"],
};

/** Same input, same bytes: nothing here may depend on time, chance or the machine. */
const PURE_ROOMS = ["units", "module", "kvm", "ledger", "cost", "lab", "report"];
const IMPURE = [
  /\bDate\.now\b/,
  /\bnew Date\b/,
  /\bMath\.random\b/,
  /\bperformance\.now\b/,
  /\bhrtime\b/,
  /\bprocess\./,
  /\bset(?:Timeout|Interval)\b/,
  /\btoLocale\w*\(|\bIntl\./,
];
const IMPURE_MODULES =
  /^(?:node:)?(?:fs|child_process|net|http|https|os|process|perf_hooks|tty|worker_threads)\b/;

const VAGUE_NAMES = ["utils", "util", "helpers", "helper", "common", "types", "misc"];

const IMPORT =
  /(?:^|[\n;])\s*(?:import|export)\s(?:[^"';]*?\sfrom\s*)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;

interface SourceFile {
  /** Below src, with forward slashes. */
  readonly path: string;
  readonly room: string | undefined;
  readonly text: string;
  readonly imports: readonly string[];
}

/** The specifiers a module names, static, re-exported and dynamic; comments may name them too. */
function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:])\/\/.*$/gm, "$1");
}

function sourceFiles(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => {
      const path = name.split(sep).join("/");
      const text = readFileSync(join(SRC, name), "utf8");
      const room = path.includes("/") ? path.slice(0, path.indexOf("/")) : undefined;
      return { path, room, text, imports: importsOf(text) };
    });
}

/** Room that a relative import leads to; undefined for packages and files directly in src. */
function roomOfImport(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const target = relative(SRC, join(SRC, dirname(file.path), specifier));
  return target.includes(sep) ? target.slice(0, target.indexOf(sep)) : undefined;
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const only = SEES_ONLY[from];
  if (only !== undefined) return only.includes(to);
  return ROOMS.indexOf(to) < ROOMS.indexOf(from);
}

const FILES = sourceFiles();

describe("the rules are applied to real code", () => {
  test("source files were found", () => {
    expect(FILES.length).toBeGreaterThan(0);
  });

  test("every form of import is recognised", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type {\n  B,\n} from "../b/b.ts";',
      'import "./c.ts";',
      'export * from "./d.ts";',
      'const e = await import("./e.ts");',
    ].join("\n");
    expect(importsOf(text)).toEqual(["./a.ts", "../b/b.ts", "./c.ts", "./d.ts", "./e.ts"]);
  });

  test("the import order is a ban on looking upwards", () => {
    expect(mayImport("lab", "kvm")).toBe(true);
    expect(mayImport("kvm", "lab")).toBe(false);
    expect(mayImport("kvm", "ledger")).toBe(false);
    expect(mayImport("ledger", "kvm")).toBe(false);
    expect(mayImport("module", "kvm")).toBe(false);
  });
});

describe("rooms", () => {
  test("every folder of src is a room of the design", () => {
    const strangers = FILES.filter(({ room }) => room !== undefined && !ROOMS.includes(room));
    expect(strangers.map(({ path }) => path)).toEqual([]);
  });

  test("imports go down the list of rooms only", () => {
    const wrong = FILES.flatMap((file) =>
      file.imports
        .map((specifier) => ({ specifier, to: roomOfImport(file, specifier) }))
        .filter(
          ({ to }) => file.room !== undefined && to !== undefined && !mayImport(file.room, to),
        )
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("no room imports the public entry point", () => {
    const wrong = FILES.filter(({ room }) => room !== undefined).flatMap((file) =>
      file.imports
        .filter((specifier) => specifier.startsWith("."))
        .filter((specifier) => roomOfImport(file, specifier) === undefined)
        .filter((specifier) => basename(specifier) === "index.ts")
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("relative imports carry the .ts extension", () => {
    const wrong = FILES.flatMap((file) =>
      file.imports
        .filter((specifier) => specifier.startsWith(".") && !/\.(?:ts|json)$/.test(specifier))
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe("pure rooms", () => {
  const pure = FILES.filter(({ room }) => room !== undefined && PURE_ROOMS.includes(room));

  test("use no clock, no randomness, no locale and no process", () => {
    const wrong = pure.flatMap(({ path, text }) => {
      const code = withoutComments(text);
      return IMPURE.filter((pattern) => pattern.test(code)).map(
        (pattern) => `${path} uses ${pattern.source}`,
      );
    });
    expect(wrong).toEqual([]);
  });

  test("import no module that does input or output", () => {
    const wrong = pure.flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => IMPURE_MODULES.test(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe("files", () => {
  test(`are shorter than ${MAX_LINES} lines`, () => {
    const long = FILES.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines >= MAX_LINES)
      .map(({ path, lines }) => `${path} has ${lines} lines`);
    expect(long).toEqual([]);
  });

  test("are all in the index of their folder, where it lists them", () => {
    expect(staleIndexes(), "npm run build writes them").toEqual([]);
  });

  test("are named for what they hold", () => {
    const vague = FILES.filter(({ path }) =>
      path.split("/").some((part) => VAGUE_NAMES.includes(part.replace(/\.ts$/, ""))),
    );
    expect(vague.map(({ path }) => path)).toEqual([]);
  });
});
