import { deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Chunks, readLines } from "../../../src/lab/replay/lines.ts";

async function linesOf(chunks: Chunks, limit?: number): Promise<[number, string][]> {
  const lines: [number, string][] = [];
  for await (const { number, text } of readLines(chunks, "some.ndjson", limit)) {
    lines.push([number, text]);
  }
  return lines;
}

/** The text in pieces of `size` bytes, as a pipe may give it. */
function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

test("lines are the same however the input is cut, compressed or not", async () => {
  const line = fc.string({ unit: fc.constantFrom("a", "\u00e9", "\u{1f600}", "{", '"', "\r") });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (lines, size, isCompressed) => {
        const plain = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const bytes = isCompressed ? gzipSync(plain) : plain;
        const expected = lines.map((text, i) => [i + 1, text]);
        expect(await linesOf(inPieces(bytes, size))).toEqual(expected);
      },
    ),
  );
});

test("the last line needs no newline", async () => {
  expect(await linesOf([Buffer.from("one\ntwo")])).toEqual([
    [1, "one"],
    [2, "two"],
  ]);
});

test("an empty input has no line", async () => {
  expect(await linesOf([])).toEqual([]);
});

describe("a line over the limit", () => {
  test("is refused by number, and what follows is not read", async () => {
    let read = 0;
    function* source(): Generator<Uint8Array> {
      yield Buffer.from("short\n");
      for (; read < 1000; read++) yield Buffer.alloc(10, "x");
    }
    await expect(linesOf(source(), 100)).rejects.toMatchObject({
      kind: "data",
      message: "some.ndjson:2: the line is longer than 100 bytes",
    });
    expect(read).toBeLessThan(20);
  });

  test("is refused in compressed input too", async () => {
    const bomb = gzipSync(Buffer.alloc(4_000_000, "x"));
    await expect(linesOf([bomb], 1_000_000)).rejects.toMatchObject({ kind: "data" });
  });

  test("may have the limit exactly", async () => {
    expect(await linesOf([Buffer.from("12345\n")], 5)).toEqual([[1, "12345"]]);
  });
});

describe("compressed input", () => {
  const whole = gzipSync(Buffer.from("one\ntwo\nthree\n"));

  test("that ends too early is refused", async () => {
    await expect(linesOf([whole.subarray(0, whole.length - 9)])).rejects.toMatchObject({
      kind: "data",
      message: expect.stringMatching(/^some\.ndjson:\d+: broken gzip data/),
    });
  });

  test("that is damaged is refused", async () => {
    const damaged = Buffer.from(whole);
    damaged[12] = (damaged[12] ?? 0) ^ 0xff;
    await expect(linesOf([damaged])).rejects.toMatchObject({ kind: "data" });
  });

  test("without the gzip header is read as text", async () => {
    expect(await linesOf([deflateRawSync(Buffer.from("one\n"))])).toHaveLength(1);
  });
});

test("an error of the source is passed on", async () => {
  const gone = Object.assign(new Error("read failed"), { code: "EIO" });
  function* source(start: Uint8Array): Generator<Uint8Array> {
    yield start;
    throw gone;
  }
  await expect(linesOf(source(Buffer.from("one\n")))).rejects.toBe(gone);
  const compressed = gzipSync(Buffer.from("one\n"));
  await expect(linesOf(source(compressed.subarray(0, 12)))).rejects.toBe(gone);
});
