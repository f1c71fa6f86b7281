import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import type { OutputStream } from "../../src/cli/console.ts";
import { standardStream } from "../../src/cli/standard-stream.ts";

/** A descriptor that takes a few bytes at a time and fails once it has taken `most`. */
function descriptor(most: number, code: string) {
  let taken = "";
  const files = {
    writeSync: (_fd: number, bytes: Uint8Array) => {
      if (taken.length >= most) throw Object.assign(new Error(code), { code });
      const some = Buffer.from(bytes.subarray(0, 3));
      taken += some.toString("latin1");
      return some.length;
    },
  };
  const stats = { isCharacterDevice: () => false } as Stats;
  return { files: { ...files, fstatSync: () => stats }, taken: () => taken };
}

function recorder() {
  const seen: string[] = [];
  const stream: OutputStream = {
    write: (content, done) => {
      seen.push(Buffer.from(content).toString());
      done();
    },
    on: (event) => seen.push(`on ${event}`),
  };
  return { seen, stream };
}

const written = (stream: OutputStream, text: string) =>
  new Promise<Error | null | undefined>((resolve) => stream.write(text, resolve));

test("what is not taken at once is written until all is", async () => {
  const { files, taken } = descriptor(1000, "EIO");
  const stream = standardStream(1, () => expect.fail("opened"), files);
  expect(await written(stream, "twelve bytes")).toBeUndefined();
  expect(taken()).toBe("twelve bytes");
});

test("a pipe that takes no more for now has the rest written by Node's stream", async () => {
  const { files, taken } = descriptor(6, "EAGAIN");
  const { seen, stream: node } = recorder();
  const stream = standardStream(1, () => node, files);
  stream.on("error", () => {});
  expect(await written(stream, "twelve bytes")).toBeUndefined();
  expect(await written(stream, "more")).toBeUndefined();
  expect(taken()).toBe("twelve");
  expect(seen).toEqual(["on error", " bytes", "more"]);
});

test("an error is told to whoever writes", async () => {
  const { files } = descriptor(6, "ENOSPC");
  const stream = standardStream(1, () => expect.fail("opened"), files);
  expect(await written(stream, "twelve bytes")).toMatchObject({ code: "ENOSPC" });
});
