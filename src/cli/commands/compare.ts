import type { Command } from "commander";
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
import { noteDefaultTd } from "./destroy.ts";

type Options = GlobalOptions & RunOptions & DrawingOptions & TdOptionValues;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Tear copies of one TD down by every strategy of its kernel, side by side. Nothing stored\n" +
      "changes.",
    ["compare", "compare --memory 400G --vcpus 64", "compare web --export html=web.html"],
  );
  command.argument("[name]", "name of the TD (default: the one live TD in the store)");
  addTdOptions(command);
  addRunOptions(command);
  addOutputOptions(command, FORMAT_NAMES, DRAWING_NAMES);
  addDrawingOptions(command);
  command.action((name?: string) => compare(cli, name, command.optsWithGlobals<Options>()));
}

async function compare(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const drawings = new Drawings(options);
  await runSession(cli, options, async (unwatched, outputs) => {
    const session = drawings.watch(unwatched);
    const store = openStore(cli, options, "compare");
    const target = chooseTarget(name, givenTd(options), () => storedTds(store));
    let result: Result;
    if (target.kind === "fresh") {
      if (target.source === "default") noteDefaultTd(cli);
      const td = resolvedTd(cli, target.options);
      result = await compareFresh(td, { source: target.source }, session);
    } else {
      const host = requireHost(restoreHost(store.read()), target.name);
      result = await compareTd(host, target.name, {}, session);
    }
    await outputs.deliver((target) => drawings.render(result, session, target));
  });
}
