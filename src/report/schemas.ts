import type { GenericSchema } from "valibot";
import { ProfileSchema } from "../cost/profile-schema.ts";
import { platformSchema } from "../lab/platform-schema.ts";
import { scenarioSchema } from "../lab/scenario/schema.ts";
import {
  calibrationSchema,
  captureSchema,
  profileCheckSchema,
  profilesSchema,
} from "../lab/schemas/cost-schemas.ts";
import {
  leavesSchema,
  replaySchema,
  storeCheckSchema,
  tdListSchema,
  tdSchema,
  versionSchema,
} from "../lab/schemas/document-schemas.ts";
import { explanationSchema, kernelsSchema } from "../lab/schemas/kernel-schemas.ts";
import { perfettoSchema } from "../lab/schemas/perfetto-schema.ts";
import {
  manifestSchema,
  resultSchema,
  rowSchema,
  runSchema,
  sweepSchema,
} from "../lab/schemas/result-schema.ts";
import {
  calibrationRowSchema,
  captureRowSchema,
  explanationRowSchema,
  kernelRowSchema,
  leafRowSchema,
  profileCheckRowSchema,
  profileRowSchema,
  profilesRowSchema,
  replayRowSchema,
  storeCheckRowSchema,
  tdRowSchema,
  versionRowSchema,
} from "../lab/schemas/row-schemas.ts";
import { sweepConfigSchema } from "../lab/sweep/sweep-config.ts";
import { COLUMNS } from "./rows.ts";
import type { SchemaName } from "./schema-names.ts";
import { POINT_COLUMNS } from "./sweep-rows.ts";

const NAMES = COLUMNS.map(({ name }) => name);

/** The valibot schema of every format; the build writes them out as JSON Schema. */
export const SCHEMAS: Readonly<Record<SchemaName, () => GenericSchema>> = {
  scenario: scenarioSchema,
  platform: platformSchema,
  profile: () => ProfileSchema,
  result: resultSchema,
  run: runSchema,
  row: () => rowSchema(NAMES, POINT_COLUMNS),
  sweep: () => sweepSchema(NAMES, POINT_COLUMNS),
  "sweep-config": sweepConfigSchema,
  manifest: manifestSchema,
  td: tdSchema,
  "td-list": tdListSchema,
  "td-row": tdRowSchema,
  explanation: explanationSchema,
  "explanation-row": explanationRowSchema,
  profiles: profilesSchema,
  "profile-check": profileCheckSchema,
  calibration: calibrationSchema,
  "calibration-row": calibrationRowSchema,
  capture: captureSchema,
  kernels: kernelsSchema,
  replay: replaySchema,
  leaves: leavesSchema,
  "store-check": storeCheckSchema,
  version: versionSchema,
  "capture-row": captureRowSchema,
  "profiles-row": profilesRowSchema,
  "profile-row": profileRowSchema,
  "profile-check-row": profileCheckRowSchema,
  "kernel-row": kernelRowSchema,
  "replay-row": replayRowSchema,
  "leaf-row": leafRowSchema,
  "store-check-row": storeCheckRowSchema,
  "version-row": versionRowSchema,
  perfetto: perfettoSchema,
};
