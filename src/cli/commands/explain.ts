import type { Command } from "commander";
import { explainEstimate } from "../../lab/explain-estimate.ts";
import { chargesRows, chargesSheet } from "../../report/charges.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  type GlobalOptions,
  type RunOptions,
  runSession,
} from "../invocation.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { RECORD_FORMATS, recordsDocument } from "../records.ts";
import { resolvedTd } from "../resolved-td.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";

type Options = GlobalOptions & RunOptions & OutputOptions & TdOptionValues;

/** Making and filling a TD have a profile of their own; the default one has no price for it. */
const BUILDING_PROFILE = "silicon-build-2025";

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Explain a strategy: what its estimated time is the sum of, count x price, largest first,\n" +
      "with the source of each price. Making a TD (create) and filling it (populate) too.",
    ["explain hint", "explain runtime --memory 400G --vcpus 64", "explain create --vcpus 64"],
  );
  command.argument("<strategy>", "runtime, exit, hint ..., or create or populate");
  addTdOptions(command);
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((strategy: string) => explain(cli, strategy, command.optsWithGlobals<Options>()));
}

async function explain(cli: Cli, subject: string, options: Options): Promise<void> {
  const isBuilding = subject === "create" || subject === "populate";
  const profile = options.profile ?? (isBuilding ? BUILDING_PROFILE : undefined);
  const priced = profile === undefined ? options : { ...options, profile };
  await runSession(cli, priced, async (session, outputs) => {
    const td = resolvedTd(cli, givenTd(options).options);
    const explanation = await explainEstimate(td, subject, session);
    await outputs.deliver(
      recordsDocument({
        json: explanation,
        rows: chargesRows(explanation),
        table: ({ width }) => chargesSheet(explanation, width),
      }),
    );
  });
}
