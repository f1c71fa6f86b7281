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
  const inject = injection === undefined ? [] : ["-e", `inject=${injection}`];
  const env = { TDX_SIM_STORE: store };
  const options = ["-e", `trace=${CALLS}`, ...inject];
  const { log, ...ended } = await straced(options, [LAUNCHER, ...args], env);
  return { ...ended, calls: mainCalls(log) };
}

/** What opens a connection, by its name in the kernel. */
const NETWORK = ["socket", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg"];
/** What makes, replaces or removes a file; not every machine has all. */
const CHANGES = [
  ...["open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "truncate"],
  ...["rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink"],
  ...["unlinkat", "rmdir", "chmod", "fchmodat", "chown", "fchownat", "utimensat"],
];

export interface Reach extends Pick<Traced, "code" | "stdout" | "stderr"> {
  /** Calls of any thread that have to do with a network, as strace spells them. */
  readonly network: readonly string[];
  /** Paths of files that were opened for writing, made, renamed or removed. */
  readonly written: readonly string[];
}

/** Runs node on a program and tells what it touched outside itself. */
export async function reachOf(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Reach> {
  const calls = [...NETWORK, ...CHANGES].map((name) => `?${name}`);
  const { log, ...ended } = await straced(["-e", `trace=${calls}`], args, env, cwd);
  const lines = readFileSync(log, "utf8").split("\n");
  const isCallOf = (line: string, names: readonly string[]): boolean =>
    names.includes(/^\d+ +(\w+)\(/.exec(line)?.[1] ?? "");
  const written = lines
    .filter((line) => isCallOf(line, CHANGES))
    .filter((line) => !/ open(at2?)?\(/.test(line) || /O_WRONLY|O_RDWR|O_CREAT/.test(line))
    .flatMap((line) => Array.from(line.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, path = ""]) => path));
  return { ...ended, network: lines.filter((line) => isCallOf(line, NETWORK)), written };
}

async function straced(
  options: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Pick<Traced, "code" | "stdout" | "stderr"> & { readonly log: string }> {
  const log = join(temporaryDirectory("strace"), "log");
  const common = ["-f", "-qq", "-o", log, "-s", "4096", "-e", "signal=none"];
  const child = spawn("strace", [...common, ...options, "--", process.execPath, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    timeout: 60_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [stdout, stderr]: Buffer[][] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout?.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr?.push(chunk));
  child.stdin.end();
  const [code] = (await once(child, "close")) as [number | null];
  const text = (chunks: Buffer[] = []): string => Buffer.concat(chunks).toString();
  return { code, stdout: text(stdout), stderr: text(stderr), log };
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
