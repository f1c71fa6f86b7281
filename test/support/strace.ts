/** Runs the program under strace: what it asks of the kernel, and what if that goes wrong. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/tdx-sim.cjs", import.meta.url));

/** The calls by which a command reads and changes its store. */
const CALLS = [
  ...["openat", "mkdir", "write", "pwrite64", "fsync", "rename", "link", "unlink", "close"],
  ...["copy_file_range", "sendfile"],
];

/** Why a test that needs strace cannot say anything here; null when it can. */
export function whyNoStrace(): string | null {
  if (process.platform !== "linux") return "strace is Linux's";
  const { error, status, stderr } = spawnSync("strace", ["-o", "/dev/null", "true"], {
    encoding: "utf8",
  });
  if (error !== undefined) return "strace is not installed (Debian: apt-get install strace)";
  return status === 0 ? null : `strace is not permitted to trace: ${stderr.trim()}`;
}

export interface Call {
  readonly name: string;
  /** Which of the calls of that name it is, from 1. */
  readonly when: number;
  /** Arguments as strace spells them. */
  readonly args: string;
  /** The number returned, or the name of the error. */
  readonly result: string;
}

export interface Traced {
  /** Exit code; null when a signal ended the program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Calls of the main thread, which makes all of the store's, in their order. */
  readonly calls: readonly Call[];
}

/**
 * @param injection what strace does at a call, such as `fsync:error=EIO:when=2`: at the second
 *   fsync of a thread. With --seccomp-bpf it would be faster, and signals would come late.
 */
export async function traceCli(
  args: readonly string[],
  store: string,
  injection?: string,
): Promise<Traced> {
  const log = join(temporaryDirectory("strace"), "log");
  const inject = injection === undefined ? [] : ["-e", `inject=${injection}`];
  const options = ["-f", "-qq", "-o", log, "-e", `trace=${CALLS}`, "-e", "signal=none"];
  const child = spawn(
    "strace",
    [...options, ...inject, "--", process.execPath, LAUNCHER, ...args],
    { env: { PATH: process.env["PATH"] ?? "", TDX_SIM_STORE: store }, timeout: 60_000 },
  );
  const [stdout, stderr]: Buffer[][] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout?.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr?.push(chunk));
  child.stdin.end();
  const [code] = (await once(child, "close")) as [number | null];
  const text = (chunks: Buffer[] = []): string => Buffer.concat(chunks).toString();
  return { code, stdout: text(stdout), stderr: text(stderr), calls: mainCalls(log) };
}

/** Reads a log: `PID name(args) = result`; threads are told apart by their PID, the main first. */
function mainCalls(log: string): Call[] {
  const lines = readFileSync(log, "utf8").split("\n");
  const main = lines[0]?.split(" ", 1)[0];
  const made = new Map<string, number>();
  return lines.flatMap((line) => {
    const [, pid, name, args = "", result = ""] =
      /^(\d+) +(\w+)\((.*?)(?:\) += (\S+).*| <unfinished \.\.\.>)$/.exec(line) ?? [];
    if (name === undefined || pid !== main) return [];
    const when = (made.get(name) ?? 0) + 1;
    made.set(name, when);
    return [{ name, when, args, result }];
  });
}
