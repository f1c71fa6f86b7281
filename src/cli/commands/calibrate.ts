import { basename } from "node:path";
import type { Command } from "commander";
import { profileText } from "../../cost/profile.ts";
import { calibrationDocument } from "../../report/documents/calibration.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { type OutputFile, openOutputFile } from "../../store/output-file.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import { inputName, readInput } from "../input-file.ts";
import { type Cli, type GlobalOptions, runSession } from "../invocation.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";

interface Options extends GlobalOptions, OutputOptions {
  readonly output?: string;
  readonly name?: string;
}

const BYTES_MAX = 4 * 1024 * 1024;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Fit a cost profile to timed teardowns: measured and simulated times, their errors with and\n" +
      "without each row, and which prices the rows cannot tell apart.\n" +
      "Columns (CSV) or keys (JSON): vcpus, memory, pageSize, strategy, kernel, seconds, and if\n" +
      "wanted packages, populated, weight, source, leaf.",
    [
      "calibrate rows.csv --output my-host.json",
      "calibrate rows.json --format json",
      "compare --memory 64G --profile ./my-host.json",
    ],
  );
  command.argument("<file>", "measurements, CSV or JSON; - is stdin");
  command.option("-o, --output <profile>", "write the fitted profile to this file");
  command.option("--name <name>", "name of the profile (default: that of its file)");
  addOutputOptions(command, RECORD_FORMATS);
  command.action((file: string) => calibrateFile(cli, file, command.optsWithGlobals<Options>()));
}

async function calibrateFile(cli: Cli, path: string, options: Options): Promise<void> {
  const { calibrate } = await import("../../lab/calibrate/calibrate.ts");
  const { parseMeasurementRows } = await import("../../lab/calibrate/measurement-rows.ts");
  const file = basename(inputName(path));
  const name = profileName(options);
  await runSession(cli, options, async (session, outputs) => {
    const output = options.output === undefined ? null : openOutputFile(options.output);
    try {
      const rows = parseMeasurementRows(
        readInput(path, "measurements", BYTES_MAX),
        inputName(path),
      );
      const { calibration, profile } = await calibrate({ rows, file, name }, session);
      await outputs.deliver(calibrationDocument(calibration));
      if (profile === null) {
        const [complaint] = calibration.complaints;
        throw new Failure("data", `${inputName(path)} bears no price: no profile is written`, {
          hint: complaint ?? "time at least two teardowns of a kind",
        });
      }
      writeProfile(cli, output, options.output, profileText(profile));
    } finally {
      output?.discard();
    }
  });
}

function writeProfile(
  cli: Cli,
  output: OutputFile | null,
  path: string | undefined,
  text: string,
): void {
  if (output === null) {
    cli.console.note("no profile was written: --output FILE does");
    return;
  }
  output.write(text);
  cli.console.note(`next: tdx-sim compare --profile ${path?.includes("/") ? path : `./${path}`}`);
}

/** A profile's name from its file's: `results/My Host.json` gives `my-host`. */
function profileName({ name, output }: Options): string {
  const wanted = name ?? basename(output ?? "calibrated.json").replace(/\.json$/i, "");
  const legal = /^[a-z0-9][a-z0-9.-]{0,62}$/;
  if (name !== undefined && !legal.test(name)) {
    throw new Failure("usage", `option --name: "${name}" is not a profile name`, {
      hint: "small letters, digits, dots and hyphens, at most 63, a letter or digit first",
    });
  }
  const tidied = wanted
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-")
    .replace(/^[.-]+/, "");
  return legal.test(tidied.slice(0, 63)) ? tidied.slice(0, 63) : "calibrated";
}
