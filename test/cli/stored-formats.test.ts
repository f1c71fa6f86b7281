import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runOnStore } from "../support/cli-in-process.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

/** Stores as earlier versions wrote them, one directory for each format that was ever released. */
const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** What a TD of 16 GiB costs by `runtime`, less BLOCK, TRACK, REMOVE and WBINVD of 16 converted pages. */
const HALF_CALLS = 16_785_443 - 4 * 16;
/** 32 pages, 3 Secure EPT pages, 19 control pages, the TDR's WBINVD, 5 calls for the HKID. */
const LIVE_CALLS = 60;

/** A store whose only generation a later tdx-sim wrote. */
function futureStore(): { store: string; file: string } {
  const store = temporaryDirectory("store");
  const file = join(store, "host.1.json");
  const header = { format: "tdx-sim/store/v2", generation: 1, bytes: 3 };
  const sha256 = createHash("sha256")
    .update(`${JSON.stringify(header)}\n{}\n`)
    .digest("hex");
  writeFileSync(file, `${JSON.stringify({ ...header, sha256 })}\n{}\n`);
  return { store, file };
}

describe("a store of a later format", () => {
  test.each([
    ...["list", "show a", "create b --memory 64K", "populate a", "destroy a", "compare a"],
    ...["store check", "store repair"],
  ])("is refused by %s and stays as it is", async (line) => {
    tally("R12", 1, "uses of a store of another format");
    const { store, file } = futureStore();
    const before = readFileSync(file);
    const { code, stderr } = await runOnStore(line.split(" "), store);
    expect(code).toBe(65);
    expect(stderr).toContain(file);
    expect(stderr).toContain("tdx-sim/store/v2");
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(store)).toEqual(["host.1.json"]);
  });
});

describe("a store of version 0.1.0", () => {
  test("is read, and what it holds lives on", async () => {
    tally("R12", 1, "uses of a store of another format");
    const store = temporaryDirectory("store");
    cpSync(join(FIXTURES, "store-v1"), store, { recursive: true });
    const json = async (line: string) => {
      const { code, stdout, stderr } = await runOnStore(line.split(" "), store);
      expect({ code, stderr }, line).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout);
    };
    expect(await json("list --format json")).toMatchObject([
      { name: "gone", destroyed: true },
      { name: "live", destroyed: false, privatePages: { "4K": 32 } },
      { name: "half", destroyed: false, hkid: 66 },
    ]);
    const end = { pagesLeaked: 0, hkidFree: true, tdrReclaimed: true };
    const half = await json("destroy half --strategy runtime --format json");
    expect(half.strategies).toMatchObject([{ seamcalls: { total: HALF_CALLS }, end }]);
    const live = await json("destroy live --strategy hint --format json");
    expect(live.strategies).toMatchObject([{ seamcalls: { total: LIVE_CALLS }, end }]);
  });
});
