/** Where the data of a command goes: one format on stdout, any number in files. */
import { type Command, Option } from "commander";
import type { FormatName } from "../report/index.ts";
import { type OutputFile, openOutputFile } from "../store/output-file.ts";
import { Failure } from "../units/failure.ts";
import type { Console } from "./console.ts";
import { nearest } from "./nearest.ts";

export interface OutputOptions {
  readonly format?: FormatName;
  readonly export?: readonly Export[];
}

/** `--export FORMAT=FILE`; `-` as FILE is stdout. */
export interface Export {
  readonly format: FormatName;
  readonly file: string;
}

/** What a document is written for. */
export interface Target {
  readonly format: FormatName;
  readonly color: boolean;
  readonly width: number;
}

export type Render = (target: Target) => string | Promise<string>;

const STDOUT = "-";
const FILE_WIDTH = 80;

export function addOutputOptions(command: Command, formats: readonly FormatName[]): void {
  command.optionsGroup("Output options:");
  command.addOption(
    new Option("-f, --format <format>", "format on stdout (default table)").choices(formats),
  );
  command.option(
    "--export <format=file>",
    "also write a file; - is stdout; may be repeated",
    (text, earlier?: readonly Export[]) => [
      ...(earlier ?? []),
      parseExport(text, earlier ?? [], formats),
    ],
  );
}

function parseExport(
  text: string,
  earlier: readonly Export[],
  formats: readonly FormatName[],
): Export {
  const [, name, file] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || file === undefined) {
    throw new Failure("usage", `option --export: "${text}" is not FORMAT=FILE`, {
      hint: "for example --export json=result.json",
    });
  }
  const format = formats.find((candidate) => candidate === name);
  if (format === undefined) {
    const near = nearest(name, formats);
    throw new Failure("usage", `option --export: there is no format "${name}"`, {
      hint: near === undefined ? `formats are ${formats.join(", ")}` : `did you mean ${near}?`,
    });
  }
  if (earlier.some((other) => other.file === file)) {
    throw new Failure("usage", `option --export: ${file} is named twice`);
  }
  return { format, file };
}

/** The places that were opened for a command's data. */
export interface Outputs {
  /** Writes the document everywhere: files first, so that no closed pipe can lose them. */
  deliver(render: Render): Promise<void>;
  /** Leaves every file as it was; for a command that failed. */
  discard(): void;
}

/**
 * Opens every file before the work starts, so that a bad path costs no waiting.
 *
 * @throws Failure `cannot-create`, or `usage` when two documents would go to stdout
 */
export function openOutputs(console: Console, options: OutputOptions): Outputs {
  const exports = options.export ?? [];
  const toStdout = exports.find(({ file }) => file === STDOUT);
  if (toStdout !== undefined && options.format !== undefined) {
    throw new Failure("usage", "--format and --export to - would both write to stdout", {
      hint: "give one of them",
    });
  }
  const files: { readonly format: FormatName; readonly path: string; readonly file: OutputFile }[] =
    [];
  const discard = (): void => {
    for (const { file } of files.splice(0)) file.discard();
  };
  try {
    for (const { format, file } of exports) {
      if (file !== STDOUT) files.push({ format, path: file, file: openOutputFile(file) });
    }
  } catch (error) {
    discard();
    throw error;
  }
  const format = toStdout?.format ?? options.format ?? "table";
  return { discard, deliver: (render) => deliver(console, render, files, format) };
}

async function deliver(
  console: Console,
  render: Render,
  files: { readonly format: FormatName; readonly path: string; readonly file: OutputFile }[],
  format: FormatName,
): Promise<void> {
  while (files.length > 0) {
    const [next] = files;
    if (next === undefined) break;
    const text = await render({ format: next.format, color: false, width: FILE_WIDTH });
    files.shift();
    next.file.write(text);
    console.detail(`wrote ${next.format} to ${next.path}`);
  }
  const { colour: color, width } = console;
  await console.print(await render({ format, color, width }));
}
