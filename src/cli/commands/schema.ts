import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { SCHEMA_NAMES } from "../../report/schema-names.ts";
import { Failure } from "../../units/failure.ts";
import { didYouMean } from "../../units/nearest.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli } from "../invocation.ts";
import { packageFile } from "../package-file.ts";

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Print the JSON Schema of a format; without a name, list the names. The same files lie in\n" +
      "dist/schema of the package, for editors.",
    ["schema", "schema scenario", "schema result > result.schema.json"],
  );
  command.argument("[name]", `one of ${SCHEMA_NAMES.join(", ")}`);
  command.action((name?: string) => schema(cli, name));
}

async function schema(cli: Cli, name: string | undefined): Promise<void> {
  if (name === undefined) {
    await cli.console.print(SCHEMA_NAMES.map((each) => `${each}\n`).join(""));
    return;
  }
  if (!SCHEMA_NAMES.some((each) => each === name)) {
    throw new Failure("usage", `there is no schema "${name}"`, {
      hint: didYouMean(name, SCHEMA_NAMES),
    });
  }
  await cli.console.print(readFileSync(packageFile("dist", "schema", `${name}.json`), "utf8"));
}
