import * as v from "valibot";
import { LEVELS } from "../expect/expectation.ts";
import { platformSchema } from "../platform-schema.ts";
import { LAYOUTS } from "../td-options.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** More steps, strategies or expectations than anybody writes by hand. */
const LIST_MAX = 1000;

function text() {
  return v.pipe(v.string(), v.maxLength(10_000));
}

function name(what: string) {
  return v.pipe(v.string(), v.regex(NAME, `is not a ${what}: lower case, digits, . _ and -`));
}

function size() {
  return v.union(
    [v.pipe(v.string(), v.maxLength(40)), v.pipe(v.number(), v.integer(), v.minValue(0))],
    "is not a size: a number of bytes, or a text like 16G",
  );
}

function count() {
  return v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536));
}

function list<const S extends v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>>(of: S) {
  return v.pipe(v.array(of), v.maxLength(LIST_MAX));
}

/** TD options by the names of the command line, in camel case. */
function tdEntries() {
  return {
    shape: v.exactOptional(text()),
    memory: v.exactOptional(size()),
    populated: v.exactOptional(size()),
    vcpus: v.exactOptional(count()),
    packages: v.exactOptional(count()),
    lps: v.exactOptional(v.nullable(count())),
    pageSize: v.exactOptional(v.picklist(["4K", "2M"])),
    initialImage: v.exactOptional(size()),
    layout: v.exactOptional(v.picklist(LAYOUTS)),
    finalize: v.exactOptional(v.boolean()),
    /** vCPUs in the guest when the teardown begins. */
    running: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_536))),
  };
}

/** Which TD a step is about, and whether the kernel should refuse it. */
function stepEntries() {
  return {
    td: v.exactOptional(name("TD name")),
    refused: v.exactOptional(
      v.pipe(v.string(), v.regex(/^E[A-Z0-9]+$/, "is not an errno name like ENOSPC")),
    ),
  };
}

/** A part of the memory, counted from its start whatever the layout. */
function partEntries() {
  return { at: v.exactOptional(size()), size: size() };
}

function stepSchema() {
  return v.variant("do", [
    v.strictObject({
      do: v.literal("create"),
      ...stepEntries(),
      ...tdEntries(),
      /** So many TDs, named after `td` with -1, -2 and so on. */
      count: v.exactOptional(count()),
    }),
    v.strictObject({
      do: v.literal("populate"),
      ...stepEntries(),
      size: v.exactOptional(size()),
      finalize: v.exactOptional(v.boolean()),
    }),
    v.strictObject({ do: v.literal("run"), ...stepEntries(), vcpus: v.exactOptional(count()) }),
    v.strictObject({
      do: v.literal("convert"),
      ...stepEntries(),
      ...partEntries(),
      to: v.exactOptional(v.picklist(["shared", "private"])),
    }),
    v.strictObject({ do: v.literal("punch"), ...stepEntries(), ...partEntries() }),
    v.strictObject({ do: v.literal("destroy"), ...stepEntries(), strategy: name("strategy") }),
  ]);
}

/**
 * Schema of `tdx-sim/scenario/v1`, as files are written; what names mean is looked up later.
 * A function, because few commands need it.
 */
export function scenarioSchema() {
  return v.strictObject({
    $schema: v.exactOptional(text()),
    schema: v.literal("tdx-sim/scenario/v1"),
    name: name("scenario name"),
    description: v.exactOptional(text()),
    kernel: v.exactOptional(
      v.union([text(), v.pipe(list(text()), v.minLength(1))], "is not a kernel or a list of them"),
    ),
    platform: v.exactOptional(v.nullable(v.union([text(), platformSchema()]))),
    profile: v.exactOptional(v.union([text(), v.looseObject({ name: v.string() })])),
    seed: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
    step: v.exactOptional(v.boolean()),
    td: v.exactOptional(v.strictObject(tdEntries())),
    steps: v.exactOptional(list(stepSchema())),
    strategies: v.exactOptional(v.pipe(list(text()), v.minLength(1))),
    /** SEAMCALLs of the teardowns that are to fail, as `--fault` takes them. */
    faults: v.exactOptional(list(text())),
    faultAny: v.exactOptional(v.boolean()),
    /** Ideas that no kernel has, as `--what-if` takes them. */
    whatIf: v.exactOptional(list(text())),
    expect: v.exactOptional(
      list(
        v.union(
          [
            text(),
            v.strictObject({
              that: text(),
              level: v.exactOptional(v.picklist(LEVELS)),
              because: v.exactOptional(text()),
            }),
          ],
          "is not an expectation: a text, or that with a level",
        ),
      ),
    ),
    /** An earlier result, a file beside the scenario, and how much may have grown since. */
    baseline: v.exactOptional(text()),
    maxRegression: v.exactOptional(v.union([text(), list(text())])),
    /** In a `config.json` that a run wrote: what it was, so that it comes out the same again. */
    recorded: v.exactOptional(
      v.strictObject({
        command: v.picklist(["run", "destroy", "compare", "trace"]),
        source: v.picklist(["scenario", "options", "default", "store"]),
        /** Of the scenario file, where there was one. */
        sha256: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "is no SHA-256"))),
        /** The TD of a store: its host in a file beside this one. */
        store: v.exactOptional(
          v.strictObject({ td: name("TD name"), file: text(), sha256: v.string() }),
        ),
      }),
    ),
  });
}

export type ScenarioFile = v.InferOutput<ReturnType<typeof scenarioSchema>>;
export type ScenarioStep = v.InferOutput<ReturnType<typeof stepSchema>>;
export type ScenarioTd = NonNullable<ScenarioFile["td"]>;
