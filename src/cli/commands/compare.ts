import { type Command, Option } from "commander";
import type { Result } from "../../lab/result.ts";

import { compareFresh, compareTd } from "../../lab/teardown.ts";
import { DRAWING_NAMES } from "../../report/drawings.ts";
import { FORMAT_NAMES } from "../../report/index.ts";
import { addDrawingOptions, type DrawingOptions, Drawings } from "../drawing-options.ts";
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
import { addOutputOptions } from "../outputs.ts";
import { resolvedTd } from "../resolved-td.ts";
import { requireHost } from "../stored-host.ts";
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
    VerdictOptions {
  readonly strategy?: readonly string[];
}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Tear copies of one TD down by every strategy of its kernel, side by side. Nothing stored\n" +
      "changes. --kernel takes several generations, commas between them, and crosses them.",
    [
      "compare",
      "compare --memory 400G --vcpus 64",
      "compare --kernel v16,terminate-v4 --strategy runtime,hint,terminate",
      "compare web --export html=web.html",
    ],
  );
  command.argument("[name]", "name of the TD (default: the one live TD in the store)");
  const strategies = new Option(
    "--strategy <list>",
    "strategies, commas between them (default all)",
  );
  command.addOption(strategies.argParser(commaList));
  addTdOptions(command);
  addRunOptions(command);
  addWhatIfOption(command);
  addVerdictOptions(command);
  addOutputOptions(command, FORMAT_NAMES, DRAWING_NAMES);
  addDrawingOptions(command);
  command.action((name?: string) => compare(cli, name, command.optsWithGlobals<Options>()));
}

async function compare(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const drawings = new Drawings(options);
  await runSession(cli, options, async (unwatched, outputs) => {
    const session = drawings.watch(unwatched);
    const store = openStore(cli, options, "compare");
    const { kernels, given } = crossing(name, options);
    const target = chooseTarget(name, given, () => storedTds(store));
    const { strategy: strategies } = options;
    const request = { ...(strategies && { strategies }), ...(kernels && { kernels }) };
    await withVerdict(cli.console, options, async (verdict) => {
      let result: Result;
      let run: Repeatable | null = null;
      if (target.kind === "fresh") {
        const { source } = target;
        if (source === "default") noteDefaultTd(cli);
        const td = resolvedTd(cli, target.options);
        run = repeatable({ source, td, kernels: kernels ?? [td.kernel], strategies });
        verdict.check(plannedOn(run.kernels, run.strategies));
        result = await compareFresh(td, { ...request, source }, session);
      } else {
        const host = requireHost(restoreHost(store.read()), target.name);
        const own = host.report(target.name)?.kernel ?? "";
        verdict.check(plannedOn(kernels ?? [own], strategies ?? null));
        if (verdict.isRecorded) {
          run = repeatable({
            ...storedNow(host, target.name),
            kernels: kernels ?? [own],
            strategies,
          });
        }
        result = await compareTd(host, target.name, request, session);
      }
      const judged = verdict.judge(result);
      await outputs.deliver((target) => drawings.render(judged, session, target));
      await verdict.finish(judged, run, session);
    });
  });
}

function repeatable(
  run: Pick<Repeatable, "source" | "td" | "kernels" | "stored"> & {
    readonly strategies: readonly string[] | undefined;
  },
): Repeatable {
  return { ...run, command: "compare", strategies: run.strategies ?? null };
}

/**
 * The kernels to cross, and the TD options without them. With a name they say who tears copies of
 * that TD down; without one the first of them is the TD's own.
 */
function crossing(name: string | undefined, options: Options) {
  const { kernel, ...others } = options;
  if (kernel === undefined) return { given: givenTd(options) };
  const kernels = [...new Set(commaList(kernel))];
  if (name !== undefined) return { kernels, given: givenTd(others) };
  const [first = kernel] = kernels;
  return { kernels, given: givenTd({ ...others, kernel: first }) };
}

function commaList(text: string): string[] {
  return text.split(",").map((each) => each.trim());
}
