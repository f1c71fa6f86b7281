import type { Command } from "commander";
import type { Result } from "../../lab/result.ts";
import { compareFresh, compareTd } from "../../lab/teardown.ts";
import { addMaxEventsOption, type DrawingOptions, Drawings } from "../drawing-options.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  type GlobalOptions,
  openStore,
  type RunOptions,
  restoreHost,
  runSession,
  storedTds,
} from "../invocation.ts";
import { addOutputOptions, type OutputFormat } from "../outputs.ts";
import { resolvedTd } from "../resolved-td.ts";
import { requireHost } from "../stored-host.ts";
import { addStrategyOptions, type StrategyOptions } from "../strategy-options.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";
import { chooseTarget } from "../td-target.ts";
import {
  addVerdictOptions,
  plannedOn,
  type Repeatable,
  storedNow,
  type VerdictOptions,
  withVerdict,
} from "../verdict.ts";
import { addWhatIfOption } from "../what-if-options.ts";
import { noteDefaultTd } from "./destroy.ts";

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
  command.argument("[name]", "name of the TD (default: the one live TD in the store)");
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
  const drawings = new Drawings(options, (options.format ?? "perfetto") === "perfetto");
  // Who names a file wants the trace there: megabytes on the terminal help nobody.
  const defaultFormat = options.export === undefined ? "perfetto" : null;
  await runSession(cli, { ...options, defaultFormat }, async (given, outputs) => {
    const session = drawings.watch(given);
    const store = openStore(cli, options, "trace");
    const target = chooseTarget(name, givenTd(options), () => storedTds(store));
    const strategies = chosen(options);
    const request = strategies === null ? {} : { strategies };
    await withVerdict(cli.console, options, async (verdict) => {
      let result: Result;
      let run: Repeatable | null = null;
      if (target.kind === "fresh") {
        const { source } = target;
        if (source === "default") noteDefaultTd(cli);
        const td = resolvedTd(cli, target.options);
        run = { command: "trace", source, td, kernels: [td.kernel], strategies };
        verdict.check(plannedOn(run.kernels, strategies));
        result = await compareFresh(td, { ...request, source }, session);
      } else {
        const host = requireHost(restoreHost(store.read()), target.name);
        const kernels = [host.report(target.name)?.kernel ?? ""];
        verdict.check(plannedOn(kernels, strategies));
        const now = verdict.isRecorded ? storedNow(host, target.name) : null;
        run = now && { command: "trace", ...now, kernels, strategies };
        result = await compareTd(host, target.name, request, session);
      }
      const traced = verdict.judge({ ...result, command: "trace" });
      await outputs.deliver((target) => drawings.render(traced, session, target));
      await verdict.finish(traced, run, session);
    });
  });
}

/** Null is every strategy. */
function chosen(options: Options): readonly string[] | null {
  if (options.hint === true) return ["hint"];
  return options.strategy === undefined ? null : [options.strategy];
}
