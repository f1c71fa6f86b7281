/** The one place where an error becomes text and an exit code. */
import { CommanderError } from "commander";
import { Failure } from "../units/failure.ts";
import { EXIT_DONE, EXIT_SIGNAL, exitCodeOf } from "./exit-codes.ts";
import { Interrupted } from "./signals.ts";

export interface FailureReport {
  readonly exitCode: number;
  /** What is wrong, one line; empty when nothing is (help was asked for). */
  readonly problem: string;
  /** What to do, one line. */
  readonly hint?: string;
}

/** Room for two of the longest paths there are. */
const PROBLEM_MAX = 8192;

/** Codes that commander gives to help and version when they were asked for. */
const ASKED_FOR = new Set(["commander.helpDisplayed", "commander.version"]);

/**
 * What to tell about an error.
 *
 * @param command the subcommand at work, for a hint at its help; empty before one is known
 */
export function reportFailure(error: unknown, command: string): FailureReport {
  if (error instanceof Failure) {
    return withHint(exitCodeOf(error.kind), problemOf(error), error.hint);
  }
  if (error instanceof Interrupted) {
    return withHint(EXIT_SIGNAL[error.signal], error.message, error.hint);
  }
  if (error instanceof CommanderError) return reportUsage(error, command);
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    exitCode: exitCodeOf("internal"),
    problem: `internal error: ${what}`,
    hint: "this is a bug of tdx-sim: please report it with the command and TDX_SIM_DEBUG=1",
  };
}

/** Stacks of the error and of what caused it, for TDX_SIM_DEBUG=1. */
export function stacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stacks(error.cause)}`;
}

function withHint(exitCode: number, said: string, hint: string | undefined): FailureReport {
  // Whoever passed a novel knows it, and need not read it again.
  const problem = said.length > PROBLEM_MAX ? `${said.slice(0, PROBLEM_MAX)} ...` : said;
  return hint === undefined ? { exitCode, problem } : { exitCode, problem, hint };
}

/** A refusal always names errno, SEAMCALL and status (CONTRACT, exit code 69). */
export function problemOf(failure: Failure): string {
  const { refusal, message } = failure;
  if (refusal === undefined) return message;
  const call = refusal.leaf === undefined ? [] : [`${refusal.leaf} returned ${refusal.status}`];
  const missing = [refusal.errno, ...call].filter((part) => !message.includes(part));
  return missing.length === 0 ? message : `${message} (${missing.join(", ")})`;
}

function reportUsage(error: CommanderError, command: string): FailureReport {
  if (ASKED_FOR.has(error.code)) return { exitCode: EXIT_DONE, problem: "" };
  const exitCode = exitCodeOf("usage");
  const help = command === "" ? "tdx-sim --help" : `tdx-sim ${command} --help`;
  const [first = "", second = ""] = error.message.replace(/^error: /, "").split("\n");
  if (error.code === "commander.help") {
    return { exitCode, problem: `${command} needs a subcommand`, hint: `${help} lists them` };
  }
  const similar = /^\(Did you mean (.+)\?\)$/.exec(second)?.[1];
  if (similar !== undefined) {
    return { exitCode, problem: first, hint: `did you mean ${similar}? ${help} tells more` };
  }
  const advice = /^(?:command-)?(.* is invalid(?: for argument '.*')?)\. (.+?)\.?$/.exec(first);
  if (advice?.[1] !== undefined && advice[2] !== undefined) {
    const hint = advice[2].charAt(0).toLowerCase() + advice[2].slice(1);
    return { exitCode, problem: advice[1], hint };
  }
  return { exitCode, problem: first.replace(/\.$/, ""), hint: `${help} tells more` };
}
