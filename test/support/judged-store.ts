import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { checkStore } from "../../src/store/care.ts";
import { Store } from "../../src/store/store.ts";
import { Failure } from "../../src/units/failure.ts";

function open(directory: string): Store {
  return new Store({ directory, command: "test", lockWaitMs: 0 });
}

/** What the next command finds: the host stored, or why it cannot be had, and who locks it out. */
export function storeState(directory: string): string {
  const { lock } = checkStore(directory);
  const locked = lock?.alive === true ? `locked by ${lock.id}, ` : "";
  try {
    return locked + digest(open(directory).read());
  } catch (error) {
    if (error instanceof Failure) return locked + error.kind;
    throw error;
  }
}

function digest(host: unknown): string {
  return createHash("sha256").update(JSON.stringify(host)).digest("hex");
}

/**
 * What keeps the next command from working as if nothing had happened: a lock that does not give
 * way, files left over. Writes to the store.
 */
export async function needsRepair(directory: string): Promise<string[]> {
  const next = { tds: "of the next command" };
  await open(directory).update(async () => ({ host: next, value: 0 }));
  const faults: string[] = [];
  if (storeState(directory) !== digest(next)) faults.push("the change is not there");
  const names = readdirSync(directory);
  const kept = names.filter((name) => /^host\.\d+\.json(?:\.damaged)?$/.test(name));
  if (kept.length !== names.length) faults.push(`files are left over: ${names}`);
  return faults;
}
