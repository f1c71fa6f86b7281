/** `--resume FILE`: the rows of a sweep in an NDJSON file that an interrupted run may have left. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import type { FlatRow } from "../report/rows.ts";
import { fileFailure, withPath } from "../store/storage.ts";
import { Failure } from "../units/failure.ts";

/** Rows of a million points with four strategies each stay below this. */
const BYTES_MAX = 2 ** 31;

/** What a row must say to belong to the sweep that goes on. */
export interface ResumePlan {
  readonly grid: string;
  /** Points of the shard in order, each with its number of rows. */
  readonly points: Iterable<{ readonly point: number; readonly rows: number }>;
}

export class ResumeFile {
  readonly #fd: number;
  readonly #path: string;
  /** Points whose rows are all there. */
  readonly done: number;

  private constructor(path: string, fd: number, done: number) {
    this.#path = path;
    this.#fd = fd;
    this.done = done;
  }

  /**
   * Opens the file, new or with the rows of an earlier run; what follows its last whole point is
   * cut off.
   *
   * @throws Failure `data` when it holds anything else than rows of this sweep, `cannot-create`
   */
  static open(path: string, plan: ResumePlan): ResumeFile {
    let fd: number | undefined;
    try {
      fd = openSync(path, "a+");
      const bytes = readFileSync(path);
      if (bytes.length > BYTES_MAX) throw new Failure("data", `${path} is too large`);
      const { done, length } = wholePoints(bytes, path, plan);
      ftruncateSync(fd, length);
      return new ResumeFile(path, fd, done);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw fileFailure(error, { verb: "write to", path, creates: true });
    }
  }

  /** The rows that were there already, as they were written. */
  *rows(): Generator<FlatRow> {
    const lines = readFileSync(this.#path, "utf8").trimEnd().split("\n");
    for (const line of lines) if (line !== "") yield JSON.parse(line) as FlatRow;
  }

  /** Adds the lines of whole points. */
  append(lines: string): void {
    withPath({ verb: "write to", path: this.#path }, () => {
      const bytes = Buffer.from(lines, "utf8");
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    });
  }

  close(): void {
    closeSync(this.#fd);
  }
}

interface Row {
  readonly "sweep.grid"?: unknown;
  readonly "sweep.point"?: unknown;
}

function wholePoints(
  bytes: Buffer,
  path: string,
  plan: ResumePlan,
): { done: number; length: number } {
  let done = 0;
  let whole = 0;
  let at = 0;
  let line = 0;
  for (const { point, rows } of plan.points) {
    for (let row = 0; row < rows; row += 1) {
      const end = bytes.indexOf(0x0a, at);
      // The last line of a run that was ended in the middle of it.
      if (end < 0) return { done, length: whole };
      line += 1;
      checkRow(bytes.toString("utf8", at, end), `${path}:${line}`, plan.grid, point);
      at = end + 1;
    }
    done += 1;
    whole = at;
  }
  if (whole < bytes.length) throw new Failure("data", `${path}:${line + 1}: more rows than points`);
  return { done, length: whole };
}

function checkRow(text: string, place: string, grid: string, point: number): void {
  let row: Row;
  try {
    row = (JSON.parse(text) ?? {}) as Row;
  } catch (cause) {
    throw new Failure("data", `${place} is not a row of a sweep`, { cause });
  }
  if (row["sweep.grid"] !== grid) {
    throw new Failure("data", `${place} belongs to another sweep`, {
      hint: "go on with the options that it was begun with, or name a new file",
    });
  }
  if (row["sweep.point"] === point) return;
  throw new Failure(
    "data",
    `${place} is point ${JSON.stringify(row["sweep.point"])}, not ${point}`,
    {
      hint: "go on with the shard that it was begun with, or name a new file",
    },
  );
}
