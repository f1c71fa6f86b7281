/** Who holds a lock, and whether that process can still be alive. */
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** The identity that a process leaves in a lock file. Null where the system does not tell. */
export interface Holder {
  /** Unique for every lock ever taken; what `store unlock` asks for. */
  readonly id: string;
  readonly pid: number;
  /** When the process started, in ticks since boot: a reused PID has another (proc(5), field 22). */
  readonly startTicks: string | null;
  /** The kernel's boot: nothing outlives it. */
  readonly bootId: string | null;
  /** PIDs of another namespace (a container) say nothing here. */
  readonly pidNamespace: string | null;
  readonly host: string;
  /** ISO 8601, for people. */
  readonly since: string;
  readonly command: string;
}

export type Liveness = "alive" | "dead" | "unknown";

/** The present process, under a new id. */
export function newHolder(command: string): Holder {
  return {
    id: randomBytes(6).toString("hex"),
    pid: process.pid,
    startTicks: processState(process.pid)?.startTicks ?? null,
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    host: hostname(),
    since: new Date().toISOString(),
    command,
  };
}

/** Reads what `newHolder` wrote, as JSON; undefined when it is something else. */
export function parseHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Record<keyof Holder, unknown>;
  const texts = [fields.id, fields.host, fields.since, fields.command];
  const optional = [fields.startTicks, fields.bootId, fields.pidNamespace];
  const valid =
    texts.every((field) => typeof field === "string") &&
    optional.every((field) => field === null || typeof field === "string") &&
    /^[0-9a-f]{12}$/.test(String(fields.id)) &&
    Number.isSafeInteger(fields.pid) &&
    Number(fields.pid) > 0;
  return valid ? (value as Holder) : undefined;
}

/**
 * Whether the holder's process still exists. `dead` only where that is certain: a process on
 * another host, or in another PID namespace, is `unknown`; a stopped one is `alive`.
 */
export function liveness(holder: Holder): Liveness {
  if (holder.host !== hostname()) return "unknown";
  if (differ(holder.bootId, bootId())) return "dead";
  if (differ(holder.pidNamespace, pidNamespace())) return "unknown";
  if (!pidExists(holder.pid)) return "dead";
  const state = processState(holder.pid);
  if (state === undefined) return "alive";
  // A killed process stays in the table until its parent waits for it.
  if (state.code === "Z" || state.code === "X") return "dead";
  return differ(holder.startTicks, state.startTicks) ? "dead" : "alive";
}

function differ(left: string | null, right: string | null): boolean {
  return left !== null && right !== null && left !== right;
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function processState(pid: number): { code: string; startTicks: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold any character.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [code, startTicks] = [fields[0], fields[19]];
    return code === undefined || startTicks === undefined ? undefined : { code, startTicks };
  } catch {
    return undefined;
  }
}

function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return null;
  }
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}
