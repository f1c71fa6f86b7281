import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { root, versionDefine } from "../../scripts/bundle.mjs";
import * as library from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FOLDER = join(root, "examples");
const EXAMPLES = readdirSync(FOLDER).filter((name) => name.endsWith(".mjs"));

function codeOf(example: string): string {
  return readFileSync(join(FOLDER, example), "utf8");
}

/** What the comments behind its calls of console.log say. */
function promisedOutput(example: string): string {
  const comments = codeOf(example).matchAll(/^ *\/\/ ?(.*)$/gm);
  return [...comments].map(([, line]) => `${line}\n`).join("");
}

/** The example with the library of this source tree, run by node as a program of its own. */
async function run(example: string): Promise<string> {
  const file = join(temporaryDirectory("example"), example);
  const bundle = await build({
    entryPoints: [join(FOLDER, example)],
    alias: { "tdx-sim": join(root, "src/index.ts") },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    define: versionDefine,
    write: false,
  });
  writeFileSync(file, bundle.outputFiles[0]?.contents ?? "");
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root, env });
  return stdout;
}

describe("an example prints what it says", () => {
  test.each(EXAMPLES)(
    "%s",
    async (example) => {
      expect(promisedOutput(example)).not.toBe("");
      expect(await run(example)).toBe(promisedOutput(example));
    },
    30_000,
  );
});

describe("docs/library.md", () => {
  const text = readFileSync(join(root, "docs/library.md"), "utf8");
  const shown = [
    ...text.matchAll(/^\[examples\/([\w-]+\.mjs)\].*:\n\n```ts\n([\s\S]*?)```$/gm),
  ].map(([, name, code]) => ({ name, code }));

  test("shows every example as it is", () => {
    expect(shown.toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? ""))).toEqual(
      EXAMPLES.toSorted().map((name) => ({ name, code: codeOf(name) })),
    );
  });

  test("has no other code", () => {
    expect(text.split("```ts").length - 1).toBe(shown.length);
  });

  test("has every export in its table", () => {
    const table = text.slice(text.indexOf("## Everything exported"));
    const missing = Object.keys(library).filter((name) => !table.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});
