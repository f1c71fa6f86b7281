import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { Console, type OutputStream } from "../../src/cli/console.ts";

function console(properties: { isTTY?: boolean; columns?: number }): Console {
  const stream = () => new PassThrough() as unknown as OutputStream;
  return new Console(Object.assign(stream(), properties), stream(), {});
}

describe("the width to lay out for", () => {
  test("is the terminal's", () => {
    expect(console({ isTTY: true, columns: 132 }).width).toBe(132);
  });

  test("is 80 where a terminal does not know its size", () => {
    expect(console({ isTTY: true, columns: 0 }).width).toBe(80);
  });

  test("is 80 where there is no terminal, whatever is set", () => {
    expect(console({ columns: 200 }).width).toBe(80);
  });
});

describe("stderr", () => {
  test("gets what acts on a terminal spelt out, on one line", async () => {
    const stderr = new PassThrough();
    const stdout = new PassThrough() as unknown as OutputStream;
    new Console(stdout, stderr as unknown as OutputStream, {}).complain("a\x1b]0;b\x07\nc");
    expect(String(stderr.read())).toBe("a\\u001b]0;b\\u0007\\u000ac\n");
  });
});
