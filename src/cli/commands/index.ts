import type { Command } from "commander";
import type { Cli } from "../invocation.ts";

/** Declares a command's arguments, options, examples and action. */
export type Define = (command: Command, cli: Cli) => void;

export interface CommandEntry {
  readonly name: string;
  /** One line in the list of commands. */
  readonly summary: string;
  readonly group: string;
  /** Left out of the help: it is called by programs. */
  readonly isHidden?: boolean;
  /** The rest, loaded when the command is used: what others need costs this one nothing. */
  readonly load: () => Promise<{ readonly define: Define }>;
}

const LIFE = "Life of a TD:";
const SCRIPTS = "Scripts and CI:";
const STORE = "The store:";
const COST = "What it costs:";
const KERNEL = "The kernel:";
const MODULE = "The TDX module:";
const ABOUT = "About:";

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "compare",
    group: LIFE,
    summary: "every teardown strategy side by side",
    load: () => import("./compare.ts"),
  },
  {
    name: "create",
    group: LIFE,
    summary: "make a TD and keep it in the store",
    load: () => import("./create.ts"),
  },
  {
    name: "populate",
    group: LIFE,
    summary: "add its private memory",
    load: () => import("./populate.ts"),
  },
  {
    name: "convert",
    group: LIFE,
    summary: "convert private memory to shared, or back",
    load: () => import("./convert.ts"),
  },
  {
    name: "punch",
    group: LIFE,
    summary: "give up a part of the memory",
    load: () => import("./punch.ts"),
  },
  {
    name: "destroy",
    group: LIFE,
    summary: "tear a TD down and count every SEAMCALL",
    load: () => import("./destroy.ts"),
  },
  {
    name: "run",
    group: SCRIPTS,
    summary: "scenario files with what is expected of them",
    load: () => import("./run.ts"),
  },
  {
    name: "sweep",
    group: SCRIPTS,
    summary: "a grid of TDs, a row for each teardown",
    load: () => import("./sweep.ts"),
  },
  { name: "list", group: STORE, summary: "TDs of the store", load: () => import("./list.ts") },
  { name: "show", group: STORE, summary: "one TD in full", load: () => import("./show.ts") },
  { name: "reset", group: STORE, summary: "empty the store", load: () => import("./reset.ts") },
  {
    name: "store",
    group: STORE,
    summary: "check, repair or unlock the store",
    load: () => import("./store.ts"),
  },
  {
    name: "explain",
    group: COST,
    summary: "a strategy's steps, locks, counts and estimate",
    load: () => import("./explain.ts"),
  },
  {
    name: "profile",
    group: COST,
    summary: "cost profiles: list, show, check",
    load: () => import("./profile.ts"),
  },
  {
    name: "trace",
    group: COST,
    summary: "a teardown on a time line, for Perfetto or flame graphs",
    load: () => import("./trace.ts"),
  },
  {
    name: "calibrate",
    group: COST,
    summary: "fit a cost profile to measured teardowns",
    load: () => import("./calibrate.ts"),
  },
  {
    name: "import",
    group: COST,
    summary: "measurements from a trace of a real host",
    load: () => import("./import.ts"),
  },
  {
    name: "kernels",
    group: KERNEL,
    summary: "kernel generations, their strategies and status",
    load: () => import("./kernels.ts"),
  },
  {
    name: "replay",
    group: MODULE,
    summary: "compare recorded SEAMCALLs with the emulated module",
    load: () => import("./replay.ts"),
  },
  {
    name: "leaves",
    group: MODULE,
    summary: "SEAMCALL leaves and how far each is emulated",
    load: () => import("./leaves.ts"),
  },
  {
    name: "schema",
    group: ABOUT,
    summary: "JSON Schemas of what is read and printed",
    load: () => import("./schema.ts"),
  },
  {
    name: "completion",
    group: ABOUT,
    summary: "shell completion for bash, zsh and fish",
    load: () => import("./completion.ts"),
  },
  {
    name: "complete",
    group: ABOUT,
    summary: "propose words to a shell",
    isHidden: true,
    load: () => import("./complete.ts"),
  },
  {
    name: "help",
    group: ABOUT,
    summary: "help for a command or topic",
    load: () => import("./help.ts"),
  },
  {
    name: "version",
    group: ABOUT,
    summary: "versions of the program and what it models",
    load: () => import("./version.ts"),
  },
];
