import { basename } from "node:path";
import type { Command } from "commander";
import { captureDocument } from "../../report/documents/capture.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import { inputName, readInput } from "../input-file.ts";
import { type Cli, type GlobalOptions, runSession } from "../invocation.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";

interface Options extends GlobalOptions, OutputOptions, TdOptionValues {
  readonly strategy?: string;
}

const BYTES_MAX = 16 * 1024 * 1024;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Turn a trace of a real teardown into measurement rows for calibrate: what bpftrace or perf\n" +
      "printed, and lines such as `# vcpus: 4` that say which TD it was (vcpus, memory,\n" +
      "strategy; if wanted populated, packages, pageSize, kernel, source).",
    [
      "import teardown.txt",
      "import teardown.txt --export csv=rows.csv",
      "import teardown.txt --vcpus 4 --memory 16G --strategy exit -f json",
    ],
  );
  command.argument("<file>", "what bpftrace or perf printed; - is stdin");
  command.option("--strategy <strategy>", "how the TD was torn down");
  addTdOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((file: string) => importFile(cli, file, command.optsWithGlobals<Options>()));
}

async function importFile(cli: Cli, path: string, options: Options): Promise<void> {
  const { importCapture } = await import("../../lab/import-capture.ts");
  const subject = { td: givenTd(options).options, strategy: options.strategy };
  await runSession(cli, options, async (session, outputs) => {
    const text = readInput(path, "a capture", BYTES_MAX);
    const capture = await importCapture(text, basename(inputName(path)), subject, session);
    if (capture.rows.length === 0) {
      throw new Failure("data", `${inputName(path)} says of no call how long it took`, {
        hint: capture.remarks[0] ?? "counts alone are no measurement",
      });
    }
    await outputs.deliver(captureDocument(capture));
    // Rows alone cannot carry what is odd about them.
    if (!["table", "json"].includes(options.format ?? "table")) {
      for (const remark of capture.remarks) cli.console.note(`note: ${remark}`);
    }
  });
}
