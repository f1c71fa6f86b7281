import type { Command } from "commander";
import type { Result } from "../../lab/result.ts";
import { destroyFresh, destroyTd } from "../../lab/teardown.ts";
import { DRAWING_NAMES, FORMAT_NAMES } from "../../report/render.ts";
import type { Store } from "../../store/store.ts";
import { addDrawingOptions, type DrawingOptions, Drawings } from "../drawing-options.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  type GlobalOptions,
  type RunOptions,
  runSession,
} from "../invocation.ts";
import { addOutputOptions } from "../outputs.ts";
import { addPaceOption, type PaceOptions, play } from "../pace.ts";
import { freshTd } from "../resolved-td.ts";
import {
  changeHost,
  nextCommand,
  openStore,
  requireHost,
  restoreHost,
  storedTds,
} from "../stored-host.ts";
import { addStrategyOptions, namedStrategy, type StrategyOptions } from "../strategy-options.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";
import { addTdArgument, chooseTarget } from "../td-target.ts";
import {
  addVerdictOptions,
  type Repeatable,
  storedNow,
  type VerdictOptions,
  withVerdict,
} from "../verdict.ts";
import { addWhatIfOption } from "../what-if-options.ts";

interface Options
  extends GlobalOptions,
    RunOptions,
    DrawingOptions,
    PaceOptions,
    TdOptionValues,
    StrategyOptions,
    VerdictOptions {}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Tear a TD down and tell every SEAMCALL that it took. With TD options and no name, a TD of\n" +
      "that shape is made, populated and destroyed in memory; the store stays as it is.",
    [
      "destroy web --hint",
      "destroy --hint --memory 16G --vcpus 4",
      "destroy web --format json",
      "destroy --memory 400G --vcpus 64 --pace 1000x",
    ],
  );
  addTdArgument(command);
  addStrategyOptions(command);
  addTdOptions(command);
  addRunOptions(command);
  addWhatIfOption(command);
  addVerdictOptions(command);
  addOutputOptions(command, FORMAT_NAMES, DRAWING_NAMES);
  addDrawingOptions(command);
  addPaceOption(command);
  command.action((name?: string) => destroy(cli, name, command.optsWithGlobals<Options>()));
}

async function destroy(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const drawings = new Drawings(options);
  const { pace } = options;
  // One picture of progress at a time.
  const shown = pace === undefined ? options : { ...options, progress: "never" as const };
  await runSession(cli, shown, async (unwatched, outputs) => {
    const session = drawings.watch(unwatched);
    let store: Store | undefined;
    const stored = (): Store => (store ??= openStore(cli, options, "destroy"));
    const target = chooseTarget(name, givenTd(options), () => storedTds(stored()));
    const strategy = namedStrategy(options) ?? "runtime";
    await withVerdict(cli.console, options, async (verdict) => {
      let result: Result;
      let run: Repeatable | null = null;
      if (target.kind === "fresh") {
        const { source } = target;
        const td = freshTd(cli, target);
        run = { command: "destroy", source, td, kernels: [td.kernel], strategies: [strategy] };
        verdict.check([{ strategy, kernel: td.kernel }]);
        result = await destroyFresh(td, { strategy, source }, session);
      } else {
        const { name: chosen } = target;
        const ideas = (options.whatIf ?? []).map((text) => ` --what-if ${text}`).join("");
        const again = `destroy ${chosen} --strategy ${strategy}${ideas}`;
        const kernel = restoreHost(stored().read())?.report(chosen)?.kernel ?? "";
        verdict.check([{ strategy, kernel }]);
        result = await changeHost(
          cli,
          stored(),
          (host) => requireHost(host, chosen),
          (host) => {
            if (verdict.isRecorded) {
              const now = storedNow(host, chosen);
              run = { command: "destroy", ...now, kernels: [kernel], strategies: [strategy] };
            }
            return destroyTd(host, chosen, { strategy }, session);
          },
          {
            what: `interrupted; TD ${chosen} stands between two SEAMCALLs`,
            hint: `${nextCommand(options, again)} finishes it`,
          },
        );
      }
      const judged = verdict.judge(result);
      const stopped = pace === undefined ? null : await play(cli, judged, pace);
      await outputs.deliver((target) => drawings.render(judged, session, target));
      if (stopped !== null) throw stopped;
      await verdict.finish(judged, run, session);
    });
  });
}
