/** Formats that have a JSON Schema, by the name that `tdx-sim schema` takes. */
export const SCHEMA_NAMES = [
  "scenario",
  "platform",
  "profile",
  "result",
  "run",
  "row",
  "sweep",
  "manifest",
  "td",
  "td-list",
  "explanation",
  "profiles",
  "profile-check",
  "calibration",
  "capture",
  "kernels",
  "replay",
  "leaves",
  "store-check",
  "version",
] as const;
export type SchemaName = (typeof SCHEMA_NAMES)[number];
