import { describe, expect, test } from "vitest";
import type { Result } from "../../src/lab/result.ts";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const SMALL = ["--memory", "64K", "--vcpus", "1"];
const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";

describe("--fault", () => {
  test("tells retries by status, and leaks by page", async () => {
    const { code, stdout } = await runCli([
      ...["destroy", "--hint", ...SMALL, "--format", "json"],
      ...["--fault", `${RECLAIM}:OPERAND_BUSY:from=5,times=3`],
      ...["--fault", `${RECLAIM}:OPERAND_BUSY|TDR@k=12`],
    ]);
    expect(code).toBe(0);
    const [entry] = (JSON.parse(stdout) as Result).strategies;
    expect(entry?.statuses).toMatchObject({
      "TDX_OPERAND_BUSY|RCX": 3,
      "TDX_OPERAND_BUSY|TDR": 1,
    });
    expect(entry?.end).toMatchObject({ pagesLeaked: 2, tdrReclaimed: false });
    expect(entry?.end.leaks).toHaveLength(2);
  });

  test("strikes each strategy of compare alike", async () => {
    const fault = `${RECLAIM}:OPERAND_BUSY@k=1`;
    const { stdout } = await runCli(["compare", ...SMALL, "--format", "json", "--fault", fault]);
    const busy = (JSON.parse(stdout) as Result).strategies.map(({ statuses }) => statuses);
    expect(busy.map((statuses) => statuses["TDX_OPERAND_BUSY|RCX"])).toEqual([1, 1, 1]);
  });

  test("a teardown that never ends is kept, and ends when it is asked for again", async () => {
    const store = temporaryDirectory("store");
    await runCli(["create", "web", ...SMALL], { store });
    await runCli(["populate", "web"], { store });
    const fault = ["--fault", `${RECLAIM}:OPERAND_BUSY:from=4`];
    const stuck = await runCli(["destroy", "web", "--hint", ...fault], { store });
    expect(stuck.code).toBe(0);
    expect(stuck.stdout).toContain("never ends");
    const json = ["--format", "json"];
    const { stdout } = await runCli(["destroy", "web", "--hint", ...json], { store });
    const [entry] = (JSON.parse(stdout) as Result).strategies;
    expect(entry?.end).toEqual({ pagesLeaked: 0, hkidFree: true, tdrReclaimed: true });
    expect(entry?.statuses["TDX_OPERAND_BUSY|RCX"]).toBe(100_000);
  });

  test("an ioctl that never returns is refused, and nothing is stored", async () => {
    const store = temporaryDirectory("store");
    const fault = ["--fault", "TDH.MNG.KEY.CONFIG:KEY_GENERATION_FAILED"];
    const { code, stderr } = await runCli(["create", "web", ...SMALL, ...fault], { store });
    expect(code).toBe(69);
    expect(stderr).toContain("never returns");
    expect((await runCli(["list", "--format", "json"], { store })).stdout).not.toContain("web");
  });

  test("that its leaf cannot answer is wrong usage, unless --fault-any is given", async () => {
    const args = ["destroy", "--hint", ...SMALL, "--fault", `${RECLAIM}:FLUSHVP_NOT_DONE@k=1`];
    const refused = await runCli(args);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toContain("--fault-any");
    expect((await runCli([...args, "--fault-any"])).code).toBe(0);
  });
});
