/**
 * What many processes did to one store at the same time, held against a plain model: is there one
 * order of the commands, true to the clock, in which a single user would have seen the same?
 *
 * Writers leave a generation number each, which fixes their order; what is left to find is a place
 * between two writers for every command that only looked or was refused.
 */

/** One command as the process saw it that ran it. */
export interface CommandRecord {
  readonly args: readonly string[];
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Nanoseconds of the machine's monotonic clock. */
  readonly began: number;
  readonly ended: number;
  /** Number of the generation that it wrote; null when it wrote none. */
  readonly generation: number | null;
}

type TdState = "created" | "populated" | "destroyed";
/** TDs in the order of creation. */
type Model = ReadonlyMap<string, TdState>;

interface Outcome {
  readonly code: number;
  /** What the store holds then; undefined when the command writes nothing. */
  readonly next?: Model;
}

/** What a command does when it is alone (CONTRACT, "Commands" and "Exit codes"). */
function alone([verb = "", name = ""]: readonly string[], model: Model): Outcome {
  const state = model.get(name);
  const into = (next: TdState): Outcome => ({ code: 0, next: new Map([...model, [name, next]]) });
  if (verb === "list") return { code: 0 };
  if (verb === "reset") return { code: 0, next: new Map() };
  // KVM refuses to initialise a live TD again; a name that is used up is wrong usage.
  if (verb === "create" && state !== undefined) return { code: state === "destroyed" ? 64 : 69 };
  if (verb === "create") return into("created");
  if (state === undefined) return { code: 66 };
  if (verb === "show") return { code: 0 };
  if (verb === "destroy") return state === "destroyed" ? { code: 69 } : into("destroyed");
  return state === "created" ? into("populated") : { code: 69 };
}

/** The exit code of a command that gave up waiting for the lock: it did nothing. */
const LOCKED = 75;

/** What is wrong with a history; empty when it is that of a store with one command at a time. */
export function historyFaults(records: readonly CommandRecord[]): string[] {
  const writers = records
    .filter(({ generation }) => generation !== null)
    .sort((left, right) => Number(left.generation) - Number(right.generation));
  const gap = writers.findIndex(({ generation }, at) => generation !== at + 1);
  if (gap >= 0) return [`writer ${gap + 1} made generation ${writers[gap]?.generation}`];
  const models = replay(writers);
  if (typeof models === "string") return [models];
  return placeFaults(records, models);
}

/** The model after each generation, from none on; or what a writer did that it could not have. */
function replay(writers: readonly CommandRecord[]): Model[] | string {
  const models: Model[] = [new Map()];
  for (const [at, { args, code }] of writers.entries()) {
    const { code: expected, next } = alone(args, models[at] as Model);
    if (code !== expected || next === undefined) {
      return `generation ${at + 1}: ${args.join(" ")} ended with ${code}, alone with ${expected}`;
    }
    models.push(next);
  }
  return models;
}

/** Gives each command, by the end of it, the earliest place that is left, and tells who has none. */
function placeFaults(records: readonly CommandRecord[], models: readonly Model[]): string[] {
  const byEnd = [...records].sort((left, right) => left.ended - right.ended);
  const placed: { ended: number; place: number }[] = [];
  const faults: string[] = [];
  for (const record of byEnd) {
    const earlier = placed.filter(({ ended }) => ended < record.began);
    const first = earlier.reduce((most, { place }) => Math.max(most, place), 0);
    const place = placeOf(record, first, lastBefore(record, byEnd), models);
    if (place === undefined) faults.push(`${record.args.join(" ")} ended with ${record.code}`);
    placed.push({ ended: record.ended, place: place ?? first });
  }
  return faults;
}

/** The last generation that can have been written while this command ran. */
function lastBefore({ ended }: CommandRecord, records: readonly CommandRecord[]): number {
  return records.reduce(
    (most, { began, generation }) =>
      began < ended ? Math.max(most, Number(generation ?? 0)) : most,
    0,
  );
}

function placeOf(
  record: CommandRecord,
  first: number,
  last: number,
  models: readonly Model[],
): number | undefined {
  const { generation, code } = record;
  if (generation !== null) return generation > first ? generation : undefined;
  if (code === LOCKED) return first;
  for (let place = first; place <= last; place += 1) {
    if (fits(record, models[place] as Model)) return place;
  }
  return undefined;
}

/** Whether a command that wrote nothing may have seen this. */
function fits({ args, code, stdout }: CommandRecord, model: Model): boolean {
  // Resetting an empty store may write or leave it.
  if (args[0] === "reset") return code === 0 && model.size === 0;
  const outcome = alone(args, model);
  if (outcome.code !== code || outcome.next !== undefined) return false;
  return args[0] !== "list" || code !== 0 || isListOf(stdout, model);
}

interface Listed {
  readonly name: string;
  readonly destroyed: boolean;
  readonly privatePages: { readonly "4K": number };
  readonly hkid: number | null;
}

function isListOf(text: string, model: Model): boolean {
  const tds = JSON.parse(text) as Listed[];
  const live = tds.flatMap(({ hkid }) => (hkid === null ? [] : [hkid]));
  if (new Set(live).size !== live.length) return false;
  const states = tds.map(({ name, destroyed, privatePages }) => {
    const state = privatePages["4K"] > 0 ? "populated" : "created";
    return [name, destroyed ? "destroyed" : state];
  });
  return JSON.stringify(states) === JSON.stringify([...model]);
}
