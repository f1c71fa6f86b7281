import {
  type ChildProcessWithoutNullStreams,
  type SpawnSyncOptions,
  spawn,
  spawnSync,
} from "node:child_process";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary.ts";

export const LAUNCHER = fileURLToPath(new URL("../../bin/tdx-sim.cjs", import.meta.url));
const TIMEOUT_MS = 60_000;

export interface CliOptions {
  /** Added to the clean environment; `undefined` takes a variable out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the program reads on stdin; nothing by default. */
  readonly input?: string | Uint8Array;
  /** Working directory; a new empty one by default. */
  readonly cwd?: string;
  /** Directory of the store (`TDX_SIM_STORE`); a new empty one by default. */
  readonly store?: string;
  /** Processor time after which the kernel ends the program, by SIGXCPU; not on Windows. */
  readonly cpuSeconds?: number;
}

export interface CliResult {
  /** Exit code; null when a signal ended the program. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts the program and leaves it to the caller: for signals, closed pipes and stores that
 * several programs share. The environment holds nothing of the tester's but PATH, so that
 * neither FORCE_COLOR, NO_COLOR and CI nor NODE_EXTRA_CA_CERTS (which slows every start of
 * Node 20 by about 38 ms) reach it.
 */
export function spawnCli(
  args: readonly string[],
  options: CliOptions = {},
): ChildProcessWithoutNullStreams {
  const { cpuSeconds } = options;
  const launch = [process.execPath, LAUNCHER, ...args];
  const limit = [`ulimit -t ${cpuSeconds} && exec "$@"`, "sh"];
  const [file = "", ...rest] =
    cpuSeconds === undefined ? launch : ["sh", "-c", ...limit, ...launch];
  return spawn(file, rest, { ...surroundings(options), stdio: "pipe" });
}

/** Runs the program to its end. Rejects only when it cannot be started. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawnCli(args, options);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A program that exits without reading its input closes the pipe; that is no test failure.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr) }),
    );
  });
}

/** Runs commands one after another on one new store, as a script would. */
export async function script(...lines: readonly string[]): Promise<CliResult[]> {
  const store = temporaryDirectory("store");
  const results: CliResult[] = [];
  for (const line of lines) results.push(await runCli(line.split(" "), { store }));
  return results;
}

/** The last of a script. */
export async function lastOf(...lines: readonly string[]): Promise<CliResult> {
  const result = (await script(...lines)).at(-1);
  if (result === undefined) throw new Error("no command was run");
  return result;
}

/** Runs the program to its end and blocks meanwhile. Throws only when it cannot be started. */
export function runCliSync(args: readonly string[], options: CliOptions = {}): CliResult {
  const { status, signal, stdout, stderr, error } = spawnSync(
    process.execPath,
    [LAUNCHER, ...args],
    {
      ...surroundings(options),
      input: options.input ?? "",
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  // EPIPE: the program ended without reading its input, which is its right; a signal: it was ended.
  const harmless =
    signal !== null || (error as NodeJS.ErrnoException | undefined)?.code === "EPIPE";
  if (error !== undefined && !harmless) throw error;
  return { code: status, signal, stdout, stderr };
}

function surroundings(
  options: CliOptions,
): Required<Pick<SpawnSyncOptions, "cwd" | "env" | "timeout" | "killSignal">> {
  return {
    cwd: options.cwd ?? temporaryDirectory("cwd"),
    env: cleanEnvironment(options),
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  };
}

function cleanEnvironment(options: CliOptions): Record<string, string> {
  const wanted = {
    PATH: process.env["PATH"],
    SystemRoot: process.env["SystemRoot"],
    HOME: temporaryDirectory("home"),
    TDX_SIM_STORE: options.store ?? temporaryDirectory("store"),
    ...options.env,
  };
  return Object.fromEntries(
    Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
