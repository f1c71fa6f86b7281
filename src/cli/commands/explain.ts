import type { Command } from "commander";
import { explainEstimate } from "../../lab/explain-estimate.ts";
import { type ExplainedStrategy, explainStrategy } from "../../lab/explain-strategy.ts";
import { findGeneration, strategyOf } from "../../lab/kernels.ts";
import type { Session } from "../../lab/teardown.ts";
import { chargesRows, chargesSheet } from "../../report/charges.ts";
import { RECORD_FORMATS, recordsDocument } from "../../report/documents/records.ts";
import { procedureMermaid, procedureSheet } from "../../report/procedure.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  type GlobalOptions,
  type RunOptions,
  runSession,
} from "../invocation.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { resolvedTd } from "../resolved-td.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";
import { addWhatIfOption } from "../what-if-options.ts";

type Options = GlobalOptions & RunOptions & OutputOptions & TdOptionValues;

/** Making and filling a TD have a profile of their own; the default one has no price for it. */
const BUILDING_PROFILE = "silicon-build-2025";

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Explain a strategy: its steps in order, who holds which lock, the formula and source of each\n" +
      "count, and what its estimated time is the sum of, count x price, largest first. Making a\n" +
      "TD (create) and filling it (populate) have a sum too.",
    [
      "explain hint",
      "explain terminate --kernel terminate-v4 --format mermaid",
      "explain runtime --memory 400G --vcpus 64",
      "explain create --vcpus 64",
    ],
  );
  command.argument("<strategy>", "runtime, exit, hint ..., or create or populate");
  addTdOptions(command);
  addRunOptions(command);
  addWhatIfOption(command);
  addOutputOptions(command, [...RECORD_FORMATS, "mermaid"]);
  command.action((strategy: string) => explain(cli, strategy, command.optsWithGlobals<Options>()));
}

async function explain(cli: Cli, subject: string, options: Options): Promise<void> {
  const isBuilding = subject === "create" || subject === "populate";
  const profile = options.profile ?? (isBuilding ? BUILDING_PROFILE : undefined);
  const priced = profile === undefined ? options : { ...options, profile };
  await runSession(cli, priced, async (session, outputs) => {
    const td = resolvedTd(cli, givenTd(options).options);
    const procedure = isBuilding ? null : procedureOf(td.kernel, subject, session);
    const explanation = await explainEstimate(td, subject, session);
    const document = recordsDocument({
      json: procedure === null ? explanation : { ...explanation, procedure },
      rows: chargesRows(explanation),
      table: ({ width }) => [
        ...(procedure === null ? [] : [...procedureSheet(procedure, width), ""]),
        ...chargesSheet(explanation, width),
      ],
    });
    await outputs.deliver((target) =>
      target.format === "mermaid" ? mermaid(procedure, subject) : document(target),
    );
  });
}

function procedureOf(kernel: string, subject: string, { whatIf }: Session): ExplainedStrategy {
  const generation = findGeneration(kernel);
  return explainStrategy(generation, strategyOf(generation, subject), whatIf);
}

function mermaid(procedure: ExplainedStrategy | null, subject: string): string {
  if (procedure !== null) return procedureMermaid(procedure);
  throw new Failure("usage", `${subject} is no strategy: there is no sequence to draw`, {
    hint: "mermaid is a format of strategies",
  });
}
