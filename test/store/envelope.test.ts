import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeGeneration, encodeGeneration } from "../../src/store/envelope.ts";

const PAYLOAD = JSON.stringify({ tds: [{ name: "web-1", hkid: 3 }], note: "äöü 漢 \u2028" });
const FILE = encodeGeneration(7, PAYLOAD);

describe("a generation file", () => {
  test("gives back the payload it was made of", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 2 ** 40 }), (payload, generation) => {
        const decoded = decodeGeneration(generation, encodeGeneration(generation, payload));
        expect(decoded).toEqual({ state: "good", generation, payload });
      }),
    );
  });

  test("shows every single flipped bit", () => {
    for (let bit = 0; bit < FILE.length * 8; bit += 1) {
      const flipped = Uint8Array.from(FILE);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeGeneration(7, flipped).state, `bit ${bit}`).toBe("damaged");
    }
  });

  test("shows every truncation", () => {
    for (let length = 0; length < FILE.length; length += 1) {
      expect(decodeGeneration(7, FILE.subarray(0, length)).state, `${length} bytes`).toBe(
        "damaged",
      );
    }
  });

  test.each([
    ["a newline", Buffer.from("\n")],
    ["a NUL", Buffer.from([0])],
    ["a second document", Buffer.from(FILE)],
  ])("shows %s appended", (_what, appended) => {
    const decoded = decodeGeneration(7, Buffer.concat([FILE, appended]));
    expect(decoded.state).toBe("damaged");
  });

  test("shows two bytes exchanged", () => {
    const exchanged = Uint8Array.from(FILE);
    const [left, right] = [FILE.length - 5, FILE.length - 4];
    [exchanged[left], exchanged[right]] = [exchanged[right] ?? 0, exchanged[left] ?? 0];
    expect(decodeGeneration(7, exchanged).state).toBe("damaged");
  });

  test("is not taken for another generation", () => {
    expect(decodeGeneration(8, FILE)).toEqual({
      state: "damaged",
      reason: "it holds generation 7 under another name",
    });
  });

  test("of a newer format is told apart from a damaged one", async () => {
    const { createHash } = await import("node:crypto");
    const header = { format: "tdx-sim/store/v2", generation: 7, bytes: 3 };
    const sha256 = createHash("sha256")
      .update(`${JSON.stringify(header)}\n{}\n`)
      .digest("hex");
    const file = Buffer.from(`${JSON.stringify({ ...header, sha256 })}\n{}\n`);
    expect(decodeGeneration(7, file)).toEqual({
      state: "newer-format",
      format: "tdx-sim/store/v2",
    });
  });

  test.each(["", "\n", "{}\n", "null\n{}\n", "[1]\n", '{"format":"x"}\n', "\0".repeat(4096)])(
    "that was never one is damaged: %j",
    (text) => {
      expect(decodeGeneration(1, Buffer.from(text)).state).toBe("damaged");
    },
  );
});
