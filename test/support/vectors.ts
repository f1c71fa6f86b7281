import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ReplayOptions, type ReplayResult, replay } from "../../src/lab/replay/replay.ts";

/** Path of a file with SEAMCALL vectors that comes with the project. */
export function vectorFile(name: "seamcall-vectors" | "lifecycles"): string {
  const url = new URL(`../../fixtures/conformance/${name}.ndjson.gz`, import.meta.url);
  return fileURLToPath(url);
}

/** Replays a file with vectors that comes with the project. */
export function replayFixture(
  name: "seamcall-vectors" | "lifecycles",
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  return replay(createReadStream(vectorFile(name)), { name, ...options });
}

/** A platform in the form of the vectors: two packages, two LPs, HKIDs 32 to 35, one TDMR. */
export function platformVector(changes: object = {}): object {
  return {
    lps: 2,
    packages: 2,
    lpToPackage: [0, 1],
    hkids: { first: 32, count: 4, global: 35 },
    hkidShift: 46,
    maxPa: 52,
    cacheSubBlocks: 4,
    tdmrs: [{ base: "0x40000000", size: "0x40000000" }],
    ...changes,
  };
}

/** A sequence in the form of the vectors. */
export function sequenceVector(steps: readonly object[], changes: object = {}): object {
  return { id: "seq-test", platform: platformVector(), steps, ...changes };
}

/** A SEAMCALL step; `out` says what is recorded, RAX 0 (TDX_SUCCESS) by default. */
export function call(
  leaf: string,
  number: number,
  registers: Readonly<Record<string, string>>,
  changes: object = {},
): object {
  return { op: "seamcall", lp: 0, leaf, number, in: registers, out: { rax: "0x0" }, ...changes };
}

/** TDH.MNG.CREATE of a TDR at 0x40000000 with HKID 32, which succeeds on a fresh platform. */
export function createStep(changes: object = {}): object {
  return call("TDH.MNG.CREATE", 9, { rcx: "0x40000000", rdx: "0x20" }, changes);
}

/** NDJSON of values and lines that are already text, as a file would give it. */
export function ndjson(...lines: readonly (object | string)[]): Uint8Array[] {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  return [Buffer.from(text.map((line) => `${line}\n`).join(""))];
}
