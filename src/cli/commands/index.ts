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

/** Every command, in the order of the help, below its headings. */
const GROUPS: Readonly<Record<string, readonly Omit<CommandEntry, "group">[]>> = {
  "Life of a TD:": [
    {
      name: "compare",
      summary: "every teardown strategy side by side",
      load: () => import("./compare.ts"),
    },
    {
      name: "create",
      summary: "make a TD and keep it in the store",
      load: () => import("./create.ts"),
    },
    { name: "populate", summary: "add its private memory", load: () => import("./populate.ts") },
    {
      name: "convert",
      summary: "convert private memory to shared, or back",
      load: () => import("./convert.ts"),
    },
    { name: "punch", summary: "give up a part of the memory", load: () => import("./punch.ts") },
    {
      name: "destroy",
      summary: "tear a TD down and count every SEAMCALL",
      load: () => import("./destroy.ts"),
    },
  ],
  "Scripts and CI:": [
    {
      name: "run",
      summary: "scenario files with what is expected of them",
      load: () => import("./run.ts"),
    },
    {
      name: "sweep",
      summary: "a grid of TDs, a row for each teardown",
      load: () => import("./sweep.ts"),
    },
  ],
  "The store:": [
    { name: "list", summary: "TDs of the store", load: () => import("./list.ts") },
    { name: "show", summary: "one TD in full", load: () => import("./show.ts") },
    { name: "reset", summary: "empty the store", load: () => import("./reset.ts") },
    {
      name: "store",
      summary: "check, repair or unlock the store",
      load: () => import("./store.ts"),
    },
  ],
  "What it costs:": [
    {
      name: "explain",
      summary: "a strategy's steps, locks, counts and estimate",
      load: () => import("./explain.ts"),
    },
    {
      name: "profile",
      summary: "cost profiles: list, show, check",
      load: () => import("./profile.ts"),
    },
    {
      name: "trace",
      summary: "a teardown on a time line, for Perfetto or flame graphs",
      load: () => import("./trace.ts"),
    },
    {
      name: "calibrate",
      summary: "fit a cost profile to measured teardowns",
      load: () => import("./calibrate.ts"),
    },
    {
      name: "import",
      summary: "measurements from a trace of a real host",
      load: () => import("./import.ts"),
    },
  ],
  "The kernel:": [
    {
      name: "kernels",
      summary: "kernel generations, their strategies and status",
      load: () => import("./kernels.ts"),
    },
  ],
  "The TDX module:": [
    {
      name: "replay",
      summary: "compare recorded SEAMCALLs with the emulated module",
      load: () => import("./replay.ts"),
    },
    {
      name: "leaves",
      summary: "SEAMCALL leaves and how far each is emulated",
      load: () => import("./leaves.ts"),
    },
  ],
  "About:": [
    {
      name: "schema",
      summary: "JSON Schemas of what is read and printed",
      load: () => import("./schema.ts"),
    },
    {
      name: "completion",
      summary: "shell completion for bash, zsh and fish",
      load: () => import("./completion.ts"),
    },
    {
      name: "complete",
      summary: "propose words to a shell",
      isHidden: true,
      load: () => import("./complete.ts"),
    },
    { name: "help", summary: "help for a command or topic", load: () => import("./help.ts") },
    {
      name: "version",
      summary: "versions of the program and what it models",
      load: () => import("./version.ts"),
    },
  ],
};

export const COMMANDS: readonly CommandEntry[] = Object.entries(GROUPS).flatMap(
  ([group, entries]) => entries.map((entry) => ({ ...entry, group })),
);
