import type { Command } from "commander";
import type { Shard } from "../../lab/sweep/grid.ts";
import { FORMAT_NAMES } from "../../report/render.ts";
import { Failure } from "../../units/failure.ts";
import { addAxisOptions, givenAxes, wordList } from "../axis-options.ts";
import { addAsciiOption, addThemeOption } from "../drawing-options.ts";
import { describeCommand } from "../help-text.ts";
import { addRunOptions, type Cli } from "../invocation.ts";
import { addOutputOptions } from "../outputs.ts";
import { parsedOption, wholeNumber } from "../parsed-option.ts";
import { runSweep, type SweepOptions } from "../sweep-run.ts";
import { addVerdictOptions } from "../verdict.ts";
import { addWhatIfOption } from "../what-if-options.ts";

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Make, populate and tear down a TD at every point of a grid. Rows come in grid order, the\n" +
      "last option of the list varying fastest; csv and ndjson are written as they come.",
    [
      "sweep --memory 1G..1T:x2 --vcpus 1,4,16,64",
      "sweep --memory 1G..64G:+1G --vcpus 1..16 -f csv --shard 1/4",
      "sweep --memory 1G..512G:+1G --resume rows.ndjson",
    ],
  );
  addAxisOptions(command);
  const all = "strategies (default all of the kernel)";
  command.addOption(parsedOption("--strategy <strategies>", all, wordList));
  command.optionsGroup("Sweep options:");
  const shard = "every n-th point from the i-th on, for CI jobs that share a grid";
  command.addOption(parsedOption("--shard <i/n>", shard, parseShard));
  command.option("--resume <file>", "write rows to an NDJSON file, going on where it ends");
  addRunOptions(command);
  addWhatIfOption(command);
  addVerdictOptions(command);
  addOutputOptions(command, FORMAT_NAMES, ["svg"]);
  addAsciiOption(command);
  addThemeOption(command);
  command.action(() => {
    const options = command.optsWithGlobals<Omit<SweepOptions, "axes">>();
    return runSweep(cli, { ...options, axes: givenAxes(options) });
  });
}

function parseShard(text: string): Shard {
  const [, first = "", second = ""] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? [];
  const [index, of] = [first, second].map((digits) => (digits === "" ? 0 : wholeNumber(digits)));
  if (index !== undefined && of !== undefined && index >= 1 && index <= of) return { index, of };
  throw new Failure("usage", `"${text}" is not a shard`, { hint: "for example 1/4 ... 4/4" });
}
