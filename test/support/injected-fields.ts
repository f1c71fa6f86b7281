/** Every place that text comes from outside, and the command that tells it back. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeGeneration } from "../../src/store/envelope.ts";
import { newHolder } from "../../src/store/holder.ts";

export interface Injection {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Puts the text in its place; paths are below the sandbox. */
export type Field = (text: string, sandbox: string) => Injection;

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const SMALL = ["--memory", "64K", "--vcpus", "1"];
const SCENARIO = {
  schema: "tdx-sim/scenario/v1",
  name: "small",
  td: { memory: "64K", vcpus: 1 },
  strategies: ["hint"],
};

function fixture(path: string): string {
  return readFileSync(join(FIXTURES, path), "utf8");
}

const PROFILE = JSON.parse(fixture("profiles/silicon-build-2025.json"));
const [FIRST_LINE = ""] = gunzipSync(
  readFileSync(join(FIXTURES, "conformance", "lifecycles.ndjson.gz")),
)
  .toString("utf8")
  .split("\n", 1);
const VECTORS = JSON.parse(FIRST_LINE);
/** The host of a store, as the program wrote it: the second line of a generation. */
const [, STORED = ""] = readFileSync(
  new URL("../fixtures/store-v1/host.9.json", import.meta.url),
  "utf8",
).split("\n");
const CAPTURE = fixture("captures/runtime-32g-8v.perf-stat.txt");

function written(sandbox: string, name: string, content: unknown): string {
  const file = join(sandbox, name);
  const isText = typeof content === "string" || content instanceof Uint8Array;
  writeFileSync(file, isText ? content : JSON.stringify(content));
  return file;
}

/** As much of the text as a file's name can hold. */
function named(text: string): string {
  return `x${text.replaceAll(/[/\0]/g, "_")}`;
}

function scenario(part: (text: string) => object): Field {
  return (text, sandbox) => ({
    args: ["run", written(sandbox, "s.json", { ...SCENARIO, ...part(text) })],
  });
}

function profile(part: (text: string) => object, ...command: string[]): Field {
  return (text, sandbox) => {
    const file = written(sandbox, "p.json", { ...PROFILE, ...part(text) });
    const args = command.length === 0 ? ["profile", "show"] : command;
    return { args: [...args, file] };
  };
}

/** The first price of the profile with another text in it. */
function price(text: string): object {
  const [first, ...others] = PROFILE.terms;
  const told = { ...first.price, source: text, conditions: text };
  return { description: text, terms: [{ ...first, price: told }, ...others] };
}

function vectors(part: (text: string) => object): Field {
  return (text, sandbox) => {
    const { steps, ...sequence } = VECTORS;
    const line = { ...sequence, steps: steps.slice(0, 2), ...part(text) };
    return { args: ["replay", written(sandbox, "v.ndjson", line)] };
  };
}

function store(sandbox: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  mkdirSync(join(sandbox, "store"), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(sandbox, "store", name), content);
  }
}

function locked(text: string): string {
  const { id, ...holder } = newHolder(text);
  return JSON.stringify({ ...holder, id, host: text, since: text });
}

export const FIELDS: Readonly<Record<string, Field>> = {
  "a command": (text) => ({ args: [text] }),
  "a TD's name": (text) => ({ args: ["show", "--", text] }),
  "a size": (text) => ({ args: ["compare", `--memory=${text}`] }),
  "a strategy": (text) => ({ args: ["destroy", ...SMALL, `--strategy=${text}`] }),
  "a kernel": (text) => ({ args: ["destroy", ...SMALL, `--kernel=${text}`] }),
  "a shape": (text) => ({ args: ["destroy", `--td=${text}`] }),
  "a fault's leaf": (text) => ({ args: ["destroy", ...SMALL, `--fault=${text}:OPERAND_BUSY`] }),
  "a fault's status": (text) => ({ args: ["destroy", ...SMALL, `--fault=TDH.MEM.TRACK:${text}`] }),
  "a what-if": (text) => ({ args: ["destroy", ...SMALL, `--what-if=${text}`] }),
  "an expectation": (text) => ({ args: ["destroy", ...SMALL, `--expect=${text}`] }),
  "an expected text": (text) => ({
    args: ["destroy", ...SMALL, `--expect=runtime.strategy == "${text.replaceAll('"', "'")}"`],
  }),
  "an option": (text) => ({ args: ["list", `--${text}`] }),
  "a format": (text) => ({ args: ["list", `--format=${text}`] }),
  "an export": (text, sandbox) => ({
    args: ["destroy", ...SMALL, "--export", `json=${join(sandbox, "none", named(text))}`],
  }),
  "a topic": (text) => ({ args: ["help", "--", text] }),
  "a schema's name": (text) => ({ args: ["schema", "--", text] }),
  "a lock's ID": (text, sandbox) => {
    store(sandbox, { lock: locked("create") });
    return { args: ["store", "unlock", "--", text] };
  },
  "a store's directory": (text, sandbox) => ({
    args: ["store", "check", "-v", "--store", join(sandbox, named(text))],
  }),
  "the environment's store": (text, sandbox) => ({
    args: ["list", "-v"],
    environment: { TDX_SIM_STORE: join(sandbox, `${named(text)}-store`) },
  }),
  "the environment's directories": (text, sandbox) => ({
    args: ["show", "web", "-v"],
    environment: {
      TDX_SIM_STORE: "",
      XDG_STATE_HOME: join(sandbox, named(text)),
      TERM: text,
      COLUMNS: text,
    },
  }),
  "a scenario's file name": (text, sandbox) => ({
    args: ["run", written(sandbox, named(text), { ...SCENARIO, expect: ["1 == 2"] })],
  }),
  "a file that is not there": (text, sandbox) => ({ args: ["run", join(sandbox, named(text))] }),
  "a profile's file name": (text, sandbox) => ({
    args: ["profile", "check", written(sandbox, named(text), PROFILE)],
  }),
  "a capture's file name": (text, sandbox) => ({
    args: ["import", written(sandbox, named(text), CAPTURE)],
  }),
  "a scenario's name": scenario((name) => ({ name })),
  "a scenario's key": scenario((key) => ({ [key]: 1 })),
  "a scenario's kernel": scenario((kernel) => ({ kernel })),
  "a scenario's expectation": scenario((text) => ({ expect: [text] })),
  "a scenario's expected text": scenario((text) => ({
    expect: [{ that: `hint.strategy == "${text.replaceAll('"', "'")}"`, because: text }],
  })),
  "a scenario's step": scenario((td) => ({ steps: [{ do: "create", td }] })),
  "a scenario's fault": scenario((fault) => ({ faults: [fault] })),
  "a scenario's baseline": scenario((baseline) => ({ baseline })),
  "a scenario that is none": (text, sandbox) => ({
    args: ["run", written(sandbox, "s.yaml", `schema: tdx-sim/scenario/v1\n${text}: 1\n`)],
  }),
  "a profile's texts": profile(price),
  "a profile's texts, checked": profile(price, "profile", "check"),
  "a profile's texts in a result": profile(price, "destroy", ...SMALL, "--profile"),
  "a profile's name": profile((name) => ({ name }), "profile", "check"),
  "a profile's key": profile((key) => ({ [key]: 1 }), "profile", "check"),
  "a capture's source": (text, sandbox) => ({
    args: [
      "import",
      written(sandbox, "c.txt", CAPTURE.replace(/^# source: .*$/m, `# source: ${text}`)),
    ],
  }),
  "a capture's kernel": (text, sandbox) => ({
    args: ["import", written(sandbox, "c.txt", CAPTURE.replace("kernel: v16", `kernel: ${text}`))],
  }),
  "a capture's probe": (text, sandbox) => ({
    args: ["import", written(sandbox, "c.txt", CAPTURE.replace("tdh_mem_track", `tdh_${text}`))],
  }),
  "a measurement's source": (text, sandbox) => {
    const row = { vcpus: 4, memory: "16G", pageSize: "4K", strategy: "exit", kernel: "v16" };
    const rows = [1, 2, 4].map((n) => ({ ...row, vcpus: 4 * n, seconds: 20 * n, source: text }));
    return { args: ["calibrate", written(sandbox, "m.json", rows)] };
  },
  "a vector's name": vectors((id) => ({ id, steps: [{ op: id }] })),
  "a vector's operation": vectors((op) => ({ steps: [{ op }] })),
  "a stored TD's name": (text, sandbox) => {
    const host = STORED.replaceAll('"live"', JSON.stringify(text));
    store(sandbox, { "host.1.json": encodeGeneration(1, host) });
    return { args: ["list"] };
  },
  "a lock's holder": (text, sandbox) => {
    store(sandbox, { lock: locked(text) });
    return { args: ["store", "unlock", "000000000000"] };
  },
  "a store's lock": (text, sandbox) => {
    store(sandbox, { lock: locked(text) });
    return { args: ["store", "check"] };
  },
};
