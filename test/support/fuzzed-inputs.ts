import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { StopSignals } from "../../src/cli/signals.ts";
import { PLATFORMS } from "../../src/lab/platforms.ts";
import { encodeGeneration } from "../../src/store/envelope.ts";
import type { Chance } from "../model/chance.ts";
import { runInProcess } from "./cli-in-process.ts";
import { mutatedBytes, mutatedData } from "./mutated-files.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const SMALL = ["--memory", "64K", "--vcpus", "1"];
const ROW = { vcpus: 4, memory: "16G", pageSize: "4K", strategy: "exit", kernel: "v16" };
const ROWS = [
  { ...ROW, seconds: 21, weight: 0.5, source: "here" },
  { ...ROW, vcpus: 8, memory: "32G", seconds: 42, packages: 1 },
  { ...ROW, memory: "64G", seconds: 84 },
];
const SWEEP = ["sweep", "--memory", "64K,128K", "--vcpus", "1", "--strategy", "hint,exit"];

/** A kind of file that the program reads, sound ones of it, and the commands that read it. */
export interface InputKind {
  readonly kind: string;
  readonly sound: readonly Uint8Array[];
  /** Mutates the data that a file holds; bytes only where it holds no plain data. */
  readonly mutate: (sound: Uint8Array, chance: Chance) => Uint8Array;
  /** Puts the file where the commands look for it. */
  readonly place: (bytes: Uint8Array) => void;
  readonly commands: readonly (readonly string[])[];
}

function fixtures(directory: string, pattern: RegExp): Uint8Array[] {
  const names = readdirSync(join(FIXTURES, directory)).filter((name) => pattern.test(name));
  return names.map((name) => readFileSync(join(FIXTURES, directory, name)));
}

function json(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

function mutatedJson(sound: Uint8Array, chance: Chance): Uint8Array {
  if (chance.is(0.3)) return mutatedBytes(sound, chance);
  return Buffer.from(JSON.stringify(mutatedData(json(sound), chance)) ?? "");
}

/** One line of JSON of several is mutated. */
function mutatedLines(sound: Uint8Array, chance: Chance): Uint8Array {
  if (chance.is(0.3)) return mutatedBytes(sound, chance);
  const lines = Buffer.from(sound).toString("utf8").trimEnd().split("\n");
  const at = chance.integer(0, lines.length - 1);
  const mutant = JSON.stringify(mutatedData(JSON.parse(lines[at] ?? "null"), chance)) ?? "";
  return Buffer.from([...lines.slice(0, at), mutant, ...lines.slice(at + 1)].join("\n"));
}

function mutatedVectors(sound: Uint8Array, chance: Chance): Uint8Array {
  const mutant = mutatedLines(sound, chance);
  if (chance.is(0.9)) return mutant;
  const packed = gzipSync(mutant);
  return chance.is(0.5) ? packed : mutatedBytes(packed, chance);
}

/**
 * A state with other bytes, with another host under the old checksum, or with a part missing and
 * the checksum right. What has the right checksum and every part is taken for what was written.
 */
function mutatedState(sound: Uint8Array, chance: Chance): Uint8Array {
  if (chance.is(0.5)) return mutatedBytes(sound, chance);
  const text = Buffer.from(sound).toString("utf8");
  const [header = "", payload = ""] = text.split("\n");
  const host = JSON.parse(payload) as Record<string, unknown>;
  if (chance.is(0.5)) {
    return Buffer.from(`${header}\n${JSON.stringify(mutatedData(host, chance))}\n`);
  }
  host[chance.pick(Object.keys(host))] = chance.pick([null, undefined, 7]);
  return encodeGeneration(1, JSON.stringify(chance.is(0.1) ? 7 : host));
}

interface SoundFiles {
  readonly config: Uint8Array;
  readonly result: Uint8Array;
  readonly rows: Uint8Array;
  readonly state: Uint8Array;
  readonly vectors: Uint8Array;
}

/** Files that the program writes itself. */
async function soundFiles(directory: string): Promise<SoundFiles> {
  const at = (...names: string[]): string => join(directory, ...names);
  const environment = { HOME: directory, TDX_SIM_STORE: at("store") };
  const scenario = join(FIXTURES, "scenarios", "shared-half.yaml");
  for (const args of [
    ["run", scenario, "--out", at("life")],
    ["compare", ...SMALL, "--out", at("small")],
    [...SWEEP, "--resume", at("rows")],
    ["create", "web", "--memory", "1M", "--vcpus", "2"],
    ["populate", "web"],
  ]) {
    mkdirSync(directory, { recursive: true });
    const { code, stderr } = await runInProcess(args, environment, new StopSignals());
    if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  }
  const [newest = ""] = readdirSync(at("store"))
    .filter((name) => /^host\.\d+\.json$/.test(name))
    .sort()
    .reverse();
  const state = readFileSync(at("store", newest)).toString("utf8");
  const vectors = gunzipSync(readFileSync(join(FIXTURES, "conformance", "lifecycles.ndjson.gz")));
  const [first = "", second = ""] = vectors.toString("utf8").split("\n");
  return {
    config: readFileSync(at("life", "config.json")),
    result: readFileSync(at("small", "result.json")),
    rows: readFileSync(at("rows")),
    state: encodeGeneration(1, state.slice(state.indexOf("\n") + 1).trimEnd()),
    vectors: Buffer.from(`${first}\n${second}\n`),
  };
}

/** Every kind, its sound files made by the program itself where there are no fixtures. */
export async function inputKinds(sandbox: string): Promise<InputKind[]> {
  const file = join(sandbox, "input");
  const store = join(sandbox, "store");
  const made = await soundFiles(join(sandbox, "sound"));
  const ofFile = (
    kind: string,
    sound: readonly Uint8Array[],
    mutate: InputKind["mutate"],
    ...commands: string[][]
  ): InputKind => {
    const place = (bytes: Uint8Array): void => writeFileSync(file, bytes);
    return { kind, sound, mutate, place, commands };
  };
  return [
    ofFile(
      "scenario (YAML)",
      fixtures("scenarios", /(shared|refused|punched|image|busy)/),
      mutatedBytes,
      ["run", file],
    ),
    ofFile("scenario (JSON)", [made.config], mutatedJson, ["run", file]),
    ofFile("baseline", [made.result], mutatedJson, ["compare", ...SMALL, "--baseline", file]),
    ofFile(
      "profile",
      fixtures("profiles", /json$/),
      mutatedJson,
      ["profile", "check", file],
      ["profile", "show", file],
      ["destroy", ...SMALL, "--profile", file],
    ),
    ofFile(
      "platform",
      [...PLATFORMS.values()].map((shape) => Buffer.from(JSON.stringify(shape))),
      mutatedJson,
      ["destroy", ...SMALL, "--platform", file],
    ),
    ofFile(
      "vectors",
      [made.vectors],
      mutatedVectors,
      ["replay", file],
      ["leaves", "--coverage", file],
    ),
    ofFile("trace of a host", fixtures("captures", /txt$/), mutatedBytes, ["import", file]),
    ofFile("measurements (CSV)", fixtures(".", /^published.*csv$/), mutatedBytes, [
      "calibrate",
      file,
    ]),
    ofFile("measurements (JSON)", [Buffer.from(JSON.stringify(ROWS))], mutatedJson, [
      "calibrate",
      file,
    ]),
    ofFile("rows of a sweep", [made.rows], mutatedLines, [...SWEEP, "--resume", file]),
    {
      kind: "store",
      sound: [made.state],
      mutate: mutatedState,
      place(bytes) {
        rmSync(store, { recursive: true, force: true });
        mkdirSync(store);
        writeFileSync(join(store, "host.1.json"), bytes);
      },
      commands: [
        ["list"],
        ["show", "web"],
        ["store", "check"],
        ["convert", "web", "--size", "4K"],
        ["destroy", "web"],
      ],
    },
  ];
}
