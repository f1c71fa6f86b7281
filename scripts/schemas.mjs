// Writes dist/schema/NAME.json: the valibot schemas as JSON Schema, for editors and for
// `tdx-sim schema`. The conversion is done here so that the program need not carry it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toJsonSchema } from "@valibot/to-json-schema";
import * as esbuild from "esbuild";
import { root, versionDefine } from "./bundle.mjs";

/** @returns {Promise<Record<string, object>>} JSON Schemas by name */
export async function jsonSchemas() {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["src/report/schemas.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    define: versionDefine,
    write: false,
    logLevel: "warning",
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error("esbuild gave no schemas");
  const code = Buffer.from(bundle.contents).toString("base64");
  /** @type {typeof import("../src/report/schemas.ts")} */
  const { SCHEMAS } = await import(`data:text/javascript;base64,${code}`);
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => [
      name,
      {
        // What JSON Schema cannot say (sums, names looked up later) is left out of it.
        ...toJsonSchema(schema(), { errorMode: "ignore", typeMode: "input" }),
        $id: `tdx-sim/${name}/v1`,
        title: `tdx-sim ${name}`,
      },
    ]),
  );
}

/** Writes the schemas to dist/schema. */
export async function writeSchemas() {
  const directory = join(root, "dist", "schema");
  mkdirSync(directory, { recursive: true });
  for (const [name, schema] of Object.entries(await jsonSchemas())) {
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`);
  }
}
