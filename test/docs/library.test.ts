import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { root, versionDefine } from "../../scripts/bundle.mjs";
import { temporaryDirectory } from "../support/temporary.ts";

interface Example {
  readonly section: string;
  readonly code: string;
  /** What the comments behind its calls of console.log say. */
  readonly output: string;
}

/** The TypeScript blocks of docs/library.md, each under its heading. */
function examples(): Example[] {
  const text = readFileSync(join(root, "docs/library.md"), "utf8");
  return text.split(/^## /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf("\n"));
    return [...part.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => {
      const comments = [...code.matchAll(/^ *\/\/ ?(.*)$/gm)].map(([, line]) => `${line}\n`);
      return { section, code, output: comments.join("") };
    });
  });
}

/** The example with the library of this source tree, run by node as a program of its own. */
async function run(code: string): Promise<string> {
  const file = join(temporaryDirectory("example"), "example.mjs");
  const bundle = await build({
    stdin: { contents: code, loader: "ts", resolveDir: root },
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

describe("docs/library.md prints what it says", () => {
  test("examples were found", () => {
    expect(examples().length).toBeGreaterThan(5);
  });

  test.each(examples())(
    "$section",
    async ({ code, output }) => {
      expect(output).not.toBe("");
      expect(await run(code)).toBe(output);
    },
    30_000,
  );
});
