/** Where the data of a command goes: one format on stdout, any number in files. */
import { type Command, Option } from "commander";
import type { Content } from "../report/format.ts";
import type { DrawingName, FormatName } from "../report/render.ts";
import { inPieces, type OutputFile, openOutputFile } from "../store/output-file.ts";
import { Failure } from "../units/failure.ts";
import { didYouMean } from "../units/nearest.ts";
import type { Console } from "./console.ts";
import { wantsUnicode } from "./glyphs.ts";

/** Formats that a command may be asked for. */
export type OutputFormat = FormatName | DrawingName | "mermaid";

export interface OutputOptions {
  readonly format?: OutputFormat;
  readonly export?: readonly Export[];
  /** Print no character that is not ASCII, whatever the locale. */
  readonly ascii?: boolean;
  /** On stdout where none is asked for; null prints nothing there. `table` unless given. */
  readonly defaultFormat?: OutputFormat | null;
}

/** `--export FORMAT=FILE`; `-` as FILE is stdout. */
export interface Export {
  readonly format: OutputFormat;
  readonly file: string;
}

/** What a document is written for. */
export interface Target {
  readonly format: OutputFormat;
  readonly color: boolean;
  readonly width: number;
  /** Whether block characters may be used. */
  readonly unicode: boolean;
  /** A file that `--export` names, not stdout. */
  readonly isFile: boolean;
}

/** Null where there is nothing to write: a file then stays as it was. */
export type Render = (target: Target) => Content | null | Promise<Content | null>;

const STDOUT = "-";
const FILE_WIDTH = 80;

/** @param drawings further formats that only `--export` takes */
export function addOutputOptions(
  command: Command,
  formats: readonly OutputFormat[],
  drawings: readonly DrawingName[] = [],
): void {
  command.optionsGroup("Output options:");
  command.addOption(
    new Option("-f, --format <format>", `format on stdout (default ${formats[0]})`).choices(
      formats,
    ),
  );
  command.option(
    "--export <format=file>",
    "also write a file; - is stdout; may be repeated",
    (text, earlier?: readonly Export[]) => [
      ...(earlier ?? []),
      parseExport(text, earlier ?? [], [...formats, ...drawings]),
    ],
  );
}

function parseExport(
  text: string,
  earlier: readonly Export[],
  formats: readonly OutputFormat[],
): Export {
  const [, name, file] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || file === undefined) {
    throw new Failure("usage", `option --export: "${text}" is not FORMAT=FILE`, {
      hint: "for example --export json=result.json",
    });
  }
  const format = formats.find((candidate) => candidate === name);
  if (format === undefined) {
    throw new Failure("usage", `option --export: there is no format "${name}"`, {
      hint: didYouMean(name, formats, `formats are ${formats.join(", ")}`),
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
function openOutputs(console: Console, options: OutputOptions): Outputs {
  const exports = options.export ?? [];
  const toStdout = exports.find(({ file }) => file === STDOUT);
  if (toStdout !== undefined && options.format !== undefined) {
    throw new Failure("usage", "--format and --export to - would both write to stdout", {
      hint: "give one of them",
    });
  }
  const files: OpenedExport[] = [];
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
  const { colour: color, width, environment } = console;
  const unicode = wantsUnicode({
    ascii: options.ascii === true,
    environment,
    isTerminal: console.stdout.isTTY === true,
  });
  const { defaultFormat = "table" } = options;
  const format = toStdout?.format ?? options.format ?? defaultFormat;
  const target = format === null ? null : { format, color, width, unicode, isFile: false };
  return { discard, deliver: (render) => deliver(console, render, files, target) };
}

/** Opens the outputs, works, and leaves no half-written file behind when that fails. */
export async function withOutputs(
  console: Console,
  options: OutputOptions,
  work: (outputs: Outputs) => Promise<void>,
): Promise<void> {
  const outputs = openOutputs(console, options);
  try {
    await work(outputs);
  } finally {
    outputs.discard();
  }
}

interface OpenedExport {
  readonly format: OutputFormat;
  readonly path: string;
  readonly file: OutputFile;
}

async function deliver(
  console: Console,
  render: Render,
  files: OpenedExport[],
  target: Target | null,
): Promise<void> {
  while (files.length > 0) {
    const [next] = files;
    if (next === undefined) break;
    const { format } = next;
    const content = await render({
      format,
      color: false,
      width: FILE_WIDTH,
      unicode: false,
      isFile: true,
    });
    files.shift();
    if (content === null) {
      next.file.discard();
      continue;
    }
    next.file.write(content);
    console.detail(`wrote ${format} to ${next.path}`);
  }
  if (target === null) return;
  const content = (await render(target)) ?? "";
  for (const piece of typeof content === "string" ? [content] : inPieces(content)) {
    if (console.readerGone) return;
    await console.print(piece);
  }
}
