import { Ajv } from "ajv";
import { jsonSchemas } from "../../scripts/schemas.mjs";
import type { SchemaName } from "../../src/report/schema-names.ts";

const ajv = new Ajv({ strict: false, allErrors: true });

/** JSON Schemas of the sources under test, by name. */
export const JSON_SCHEMAS: Readonly<Record<string, object>> = await jsonSchemas();

export function isSchema(schema: object): boolean {
  return ajv.validateSchema(schema) === true;
}

/**
 * What is wrong with a document once it went through JSON, for a message that says it; null when
 * it keeps to the schema.
 */
export function schemaFaults(name: SchemaName, document: unknown): unknown {
  const key = `tdx-sim/${name}/v1`;
  const validate = ajv.getSchema(key) ?? ajv.compile(JSON_SCHEMAS[name] ?? {});
  return validate(JSON.parse(JSON.stringify(document))) ? null : validate.errors;
}
