/** Documents of the built program, held against the JSON Schemas that lie in its package. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { expect } from "vitest";

const SCHEMAS = fileURLToPath(new URL("../../dist/schema", import.meta.url));
const ajv = new Ajv({ strict: false, allErrors: true });

/** What is wrong with a document by the schema of its name that lies in the package. */
export function faultsOf(name: string, document: unknown): unknown {
  const key = `tdx-sim/${name}/v1`;
  const text = (): string => readFileSync(join(SCHEMAS, `${name}.json`), "utf8");
  const validate = ajv.getSchema(key) ?? ajv.compile(JSON.parse(text()));
  return validate(document) ? null : validate.errors;
}

/** The name of the schema that a document says it keeps to; a list of TDs says it in each. */
function schemaOf(document: { readonly schema?: string }): string {
  if (Array.isArray(document)) return "td-list";
  const [, name] = /^tdx-sim\/(.+)\/v1$/.exec(document.schema ?? "") ?? [];
  if (name === undefined) throw new Error(`a document says of itself "${document.schema}"`);
  return name;
}

export function expectToKeepToSchema(text: string): void {
  const document = JSON.parse(text);
  expect(faultsOf(schemaOf(document), document)).toBeNull();
}

export function expectLinesToKeepToSchema(text: string): void {
  for (const line of text.split("\n")) if (line !== "") expectToKeepToSchema(line);
}
