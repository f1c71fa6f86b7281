import type { Command } from "commander";
import { runComparison } from "../comparison.ts";
import { addMaxEventsOption, type DrawingOptions, Drawings } from "../drawing-options.ts";
import { describeCommand } from "../help-text.ts";
import { addRunOptions, type Cli, type GlobalOptions, type RunOptions } from "../invocation.ts";
import { addOutputOptions, type OutputFormat } from "../outputs.ts";
import { addStrategyOptions, namedStrategy, type StrategyOptions } from "../strategy-options.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";
import { addTdArgument } from "../td-target.ts";
import { addVerdictOptions, type VerdictOptions } from "../verdict.ts";
import { addWhatIfOption } from "../what-if-options.ts";

interface Options
  extends GlobalOptions,
    RunOptions,
    DrawingOptions,
    TdOptionValues,
    StrategyOptions,
    VerdictOptions {}

const FORMATS = ["perfetto", "folded"] as const satisfies readonly OutputFormat[];

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Tear copies of one TD down and write the SEAMCALLs in their order: as a Chrome trace-event\n" +
      "file for ui.perfetto.dev and chrome://tracing, or as folded stacks for flame graphs. Every\n" +
      "strategy is a process of its own. Counts are exact; the time line is the middle of the\n" +
      "estimate.",
    [
      "trace --memory 400G --vcpus 64 > trace.json",
      "trace web --hint --export perfetto=web.json",
      "trace --strategy runtime --format folded | flamegraph.pl > runtime.svg",
    ],
  );
  addTdArgument(command);
  addStrategyOptions(command, "every strategy");
  addTdOptions(command);
  addRunOptions(command);
  addWhatIfOption(command);
  addVerdictOptions(command);
  addOutputOptions(command, FORMATS);
  addMaxEventsOption(command);
  command.action((name?: string) => trace(cli, name, command.optsWithGlobals<Options>()));
}

async function trace(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const strategy = namedStrategy(options);
  // Who names a file wants the trace there: megabytes on the terminal help nobody.
  const defaultFormat = options.export === undefined ? "perfetto" : null;
  const isPerfetto = (options.format ?? "perfetto") === "perfetto";
  await runComparison(
    cli,
    { ...options, defaultFormat },
    {
      command: "trace",
      name,
      given: givenTd(options),
      kernels: null,
      strategies: strategy === undefined ? null : [strategy],
      drawings: new Drawings(options, isPerfetto),
    },
  );
}
