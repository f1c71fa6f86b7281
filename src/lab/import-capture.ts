import type { Interval } from "../cost/interval.ts";
import { totalsOf } from "../ledger/phase-counts.ts";
import { Failure } from "../units/failure.ts";
import { parseSize } from "../units/size.ts";
import type { RunControl } from "./drive.ts";
import { BpftraceReader } from "./import-capture-bpftrace.ts";
import { LeafNames } from "./import-capture-leaf.ts";
import { PerfReader } from "./import-capture-perf.ts";
import { type CapturedLeaf, CaptureRecorder } from "./import-capture-recorder.ts";
import { generation, strategyOf } from "./kernels.ts";
import { resolveTdOptions, type TdOptions } from "./td-options.ts";
import { countLife } from "./teardown-counts.ts";
import { VERSION } from "./version.ts";

/** A row as `calibrate` takes it; sizes in bytes. */
export interface CapturedRow {
  readonly vcpus: number;
  readonly memory: number;
  readonly pageSize: string;
  readonly strategy: string;
  readonly kernel: string;
  readonly seconds: number;
  readonly packages: number;
  readonly populated: number;
  readonly weight: number;
  /** Absent for the teardown end to end. */
  readonly leaf?: string;
  readonly source: string;
}

/** Calls that the trace counted beside those the emulator makes for the same teardown. */
export interface CountedLeaf {
  readonly leaf: string;
  readonly captured: number | null;
  readonly simulated: number;
}

/** A trace of a real teardown as measurements: `tdx-sim/capture/v1`. */
export interface ImportedCapture {
  readonly schema: "tdx-sim/capture/v1";
  readonly version: string;
  readonly file: string;
  readonly rows: readonly CapturedRow[];
  readonly counts: readonly CountedLeaf[];
  /** What is odd about the capture, one sentence each. */
  readonly remarks: readonly string[];
}

/** What the user says of the teardown; it goes before what the capture says itself. */
export interface CaptureSubject {
  readonly td: Partial<TdOptions>;
  readonly strategy?: string | undefined;
}

interface ReadCapture {
  readonly header: ReadonlyMap<string, string>;
  readonly elapsedNs: number | null;
  readonly leaves: ReadonlyMap<string, CapturedLeaf>;
  readonly lost: number;
}

/** `# vcpus: 4`, as the capture guide has them at the top of a file. */
const HEADER = /^#\s*(vcpus|memory|populated|packages|pageSize|strategy|kernel|source):\s*(.+)$/;
/** A leaf that is off by more than this was traced badly, or the TD was another. */
const COUNT_TOLERANCE = 0.01;
/** Scatter that a row of weight 1 is taken to have. */
const USUAL_SCATTER = 0.02;

/**
 * Measurement rows of a trace: one for the teardown end to end if the capture says how long it
 * took, one for each leaf of which it says that. Counts are held against the emulator's.
 *
 * @throws Failure `data` when nothing in the text is a trace, `usage` when the TD is not told
 */
export async function importCapture(
  text: string,
  file: string,
  subject: CaptureSubject,
  control: RunControl,
): Promise<ImportedCapture> {
  const capture = readCapture(text, file);
  const { options, strategy } = describedTd(capture, file, subject);
  const { teardown } = await countLife(options, strategy, control);
  const { byLeaf } = totalsOf(teardown).seamcalls;
  return {
    schema: "tdx-sim/capture/v1",
    version: VERSION,
    file,
    rows: rowsOf(capture, { options, strategy, file, byLeaf }),
    counts: countsOf(capture, byLeaf),
    remarks: remarksOf(capture, byLeaf),
  };
}

function readCapture(text: string, file: string): ReadCapture {
  const recorder = new CaptureRecorder();
  const leaves = new LeafNames();
  const readers = [new BpftraceReader(recorder, leaves), new PerfReader(recorder, leaves)];
  const header = new Map<string, string>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    const [, key, value] = HEADER.exec(line) ?? [];
    if (key !== undefined && value !== undefined) header.set(key, value.trim());
    else for (const reader of readers) if (reader.take(line, `${file} line ${index + 1}`)) break;
  }
  const found = recorder.leaves();
  if (found.size === 0 && recorder.elapsedNs === null) {
    throw new Failure("data", `${file} holds no histogram, count or time of a SEAMCALL`, {
      hint: "docs/measure-your-host.md says how to trace a teardown with bpftrace or perf",
    });
  }
  return { header, elapsedNs: recorder.elapsedNs, leaves: found, lost: recorder.lost };
}

function describedTd(
  { header }: ReadCapture,
  file: string,
  { td, strategy }: CaptureSubject,
): { readonly options: TdOptions; readonly strategy: string } {
  const number = (key: string): number | undefined => {
    const text = header.get(key);
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return Number(text);
    throw new Failure("data", `${file}: ${key} "${text}" is no whole number`);
  };
  const size = (key: string): number | undefined => {
    const text = header.get(key);
    return text === undefined ? undefined : parseSize(text);
  };
  const told = {
    memoryBytes: size("memory"),
    populatedBytes: size("populated"),
    vcpus: number("vcpus"),
    packages: number("packages"),
    pageSize: header.get("pageSize"),
    kernel: header.get("kernel"),
    ...td,
  };
  const chosen = strategy ?? header.get("strategy");
  const missing = [
    ...(told.memoryBytes === undefined ? ["memory"] : []),
    ...(told.vcpus === undefined ? ["vcpus"] : []),
    ...(chosen === undefined ? ["strategy"] : []),
  ];
  if (chosen === undefined || missing.length > 0) {
    throw new Failure("usage", `${file} does not say ${missing.join(", ")} of the TD`, {
      hint: `add a line "# ${missing[0]}: ..." to it, or give --${missing[0]}`,
    });
  }
  const given = Object.entries(told).filter(([, value]) => value !== undefined);
  const options = resolveTdOptions(Object.fromEntries(given));
  strategyOf(generation(options.kernel), chosen);
  return { options, strategy: chosen };
}

interface RowParts {
  readonly options: TdOptions;
  readonly strategy: string;
  readonly file: string;
  readonly byLeaf: Readonly<Record<string, number>>;
}

function rowsOf(
  capture: ReadCapture,
  { options, strategy, file, byLeaf }: RowParts,
): CapturedRow[] {
  const { memoryBytes, populatedBytes, vcpus, packages, pageSize, kernel } = options;
  const said = capture.header.get("source");
  const row = (ns: number, weight: number, leaf?: string): CapturedRow => ({
    vcpus,
    memory: memoryBytes,
    pageSize,
    strategy,
    kernel,
    seconds: Number((ns / 1e9).toPrecision(12)),
    packages,
    populated: populatedBytes,
    weight,
    ...(leaf === undefined ? {} : { leaf }),
    source: said === undefined ? file : `${file}: ${said}`,
  });
  const { elapsedNs } = capture;
  const timed = [...capture.leaves].flatMap(([leaf, { ns }]) => {
    const called = (byLeaf[leaf] ?? 0) > 0;
    return ns === null || ns.mid === 0 || !called ? [] : [row(ns.mid, weightOf(ns), leaf)];
  });
  return [...(elapsedNs === null || elapsedNs === 0 ? [] : [row(elapsedNs, 1)]), ...timed];
}

/** A sum read from buckets may be anywhere between their ends: it counts for less. */
function weightOf({ low, mid, high }: Interval): number {
  const scatter = (high - low) / mid / Math.sqrt(12);
  return Number(Math.min(1, (USUAL_SCATTER / Math.max(scatter, 1e-9)) ** 2).toPrecision(2));
}

function countsOf(
  { leaves }: ReadCapture,
  byLeaf: Readonly<Record<string, number>>,
): CountedLeaf[] {
  const names = [...new Set([...Object.keys(byLeaf), ...leaves.keys()])];
  return names.map((leaf) => ({
    leaf,
    captured: leaves.get(leaf)?.calls ?? null,
    simulated: byLeaf[leaf] ?? 0,
  }));
}

function remarksOf(
  { leaves, lost, elapsedNs }: ReadCapture,
  byLeaf: Readonly<Record<string, number>>,
): string[] {
  const off = [...leaves].flatMap(([leaf, { calls }]) => {
    const simulated = byLeaf[leaf] ?? 0;
    if (calls === null || Math.abs(calls - simulated) <= COUNT_TOLERANCE * simulated) return [];
    if (simulated === 0)
      return [`${leaf} was called ${calls} times; this teardown never calls it.`];
    const share = Math.round((calls / simulated - 1) * 100);
    return [
      `${leaf} was called ${calls} times, ${Math.abs(share)} % ${share < 0 ? "less" : "more"} than ` +
        `the ${simulated} that this teardown needs: another TD, a smaller populated size, or ` +
        "events that were lost.",
    ];
  });
  return [
    ...(lost === 0 ? [] : [`The tracer lost ${lost} events: counts and sums are too small.`]),
    ...(elapsedNs === null ? ["The capture does not say how long the teardown took."] : []),
    ...off,
  ];
}
