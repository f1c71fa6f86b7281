import * as v from "valibot";
import { platformSchema } from "../platform-schema.ts";
import { LAYOUTS } from "../td-options.ts";
import { count } from "./quantities.ts";

/** What TD is made and on what host, every option; sizes in bytes. */
export function tdOptions() {
  return v.strictObject({
    memoryBytes: count(),
    populatedBytes: count(),
    vcpus: count(),
    packages: count(),
    lps: v.nullable(count()),
    pageSize: v.picklist(["4K", "2M"]),
    initialImageBytes: count(),
    layout: v.picklist(LAYOUTS),
    kernel: v.string(),
    platform: v.nullable(platformSchema()),
    finalize: v.boolean(),
    running: count(),
  });
}
