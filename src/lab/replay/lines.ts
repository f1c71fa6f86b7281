import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Failure } from "../../units/failure.ts";

/** Longest line that is taken: about 190,000 steps in one sequence. */
const MOST_LINE_BYTES = 32 * 1024 * 1024;

const NEWLINE = 10;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A line of input with its number, counted from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** Input as it comes from a file or a pipe. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * The lines of `chunks`, which are UTF-8 text or that text compressed by gzip, told apart by the
 * first bytes. At most one line and one chunk are held. Throws a `data` Failure that names `name`
 * and the line for a line over `limit` bytes and for broken compression.
 */
export async function* readLines(
  chunks: Chunks,
  name: string,
  limit: number = MOST_LINE_BYTES,
): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let number = 1;
  const take = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes > limit) {
      throw new Failure("data", `${name}:${number}: the line is longer than ${limit} bytes`, {
        hint: "one sequence is one line; split long ones",
      });
    }
    parts.push(part);
  };
  const finish = (): Line => {
    const line = { number, text: Buffer.concat(parts, bytes).toString("utf8") };
    parts = [];
    bytes = 0;
    number++;
    return line;
  };

  for await (const chunk of uncompressed(chunks, name, () => number)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (bytes > 0) yield finish();
}

async function* uncompressed(
  chunks: Chunks,
  name: string,
  lineNumber: () => number,
): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(chunks, GZIP_MAGIC.length);
  if (GZIP_MAGIC.some((byte, i) => head[i] !== byte)) {
    yield* rest;
    return;
  }
  const source = Readable.from(rest, { objectMode: false });
  const gunzip = createGunzip();
  // An error of the source is the reader's to tell; pipe alone would leave the gunzip waiting.
  source.on("error", (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new Failure("data", `${name}:${lineNumber()}: broken gzip data (${error.message})`, {
      cause: error,
    });
  } finally {
    source.destroy();
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith("Z_");
}

/** The first bytes, and everything with them. */
async function peek(
  chunks: Chunks,
  size: number,
): Promise<{ head: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let head: Uint8Array = new Uint8Array();
  let isDone = false;
  while (head.length < size && !isDone) {
    const next = await iterator.next();
    if (next.done === true) isDone = true;
    else head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield head;
      while (!isDone) {
        const next = await iterator.next();
        if (next.done === true) isDone = true;
        else yield next.value;
      }
    } finally {
      if (!isDone) await iterator.return?.();
    }
  }
  return { head, rest: all() };
}
