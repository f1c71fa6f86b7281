/** `--check`: the module's invariants are judged while commands run, and what that cost is told. */
import type { Command } from "commander";
import type { RunControl } from "../lab/drive.ts";
import { formatCount } from "../units/count.ts";
import type { Console } from "./console.ts";

export interface CheckOption {
  readonly check?: boolean;
}

export function addCheckOption(command: Command): void {
  command.option("--check", "judge the module's state after every SEAMCALL; tells what it cost");
}

export interface Checking {
  readonly control: Pick<RunControl, "judge">;
  /** Tells how often the state was judged and how long that took; nothing without `--check`. */
  tell(): void;
}

export function startChecking(console: Console, option: CheckOption): Checking {
  if (option.check !== true) return { control: {}, tell: () => {} };
  let times = 0;
  let spentMs = 0;
  return {
    control: {
      judge: (judgement) => {
        const from = performance.now();
        judgement();
        times++;
        spentMs += performance.now() - from;
      },
    },
    tell: () => {
      const cost = (spentMs / 1000).toFixed(2);
      console.note(`note: invariants held ${formatCount(times)} times; checking took ${cost} s`);
    },
  };
}
