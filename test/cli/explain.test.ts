import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";

describe("explain", () => {
  test("shows the sum of an estimate, count x price, largest first", async () => {
    const { code, stdout } = await runCli(["explain", "hint", "--memory", "16G"]);
    expect(code).toBe(0);
    expect(stdout).toContain("4,202,544 x 2.5 us (2.4 to 3.4 us, fitted)\n  = 11 s (");
    const order = ["reclaim in ", "page clear in ", "page free in ", "fixed teardown in "];
    const places = order.map((term) => stdout.indexOf(term));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(stdout).toContain("leave-one-out error");
  });

  test("adds up to what destroy says", async () => {
    const td = ["--memory", "8G", "--format", "json"];
    const { terms, elapsedNs } = JSON.parse((await runCli(["explain", "hint", ...td])).stdout);
    const sum = terms.reduce((all: number, term: { timeNs: { mid: number } }) => {
      return all + term.timeNs.mid;
    }, 0);
    expect(Math.abs(sum - elapsedNs.mid)).toBeLessThan(10);
    const [entry] = JSON.parse((await runCli(["destroy", "--hint", ...td])).stdout).strategies;
    expect(entry.elapsedNs).toEqual(elapsedNs);
  });

  test("prices making a TD by the profile that has prices for it", async () => {
    const { stdout } = await runCli(["explain", "create", "--vcpus", "2", "--format", "json"]);
    const { profile, terms } = JSON.parse(stdout);
    expect(profile.name).toBe("silicon-build-2025");
    expect(terms.map(({ term }: { term: string }) => term)).toContain("TDH.MNG.KEY.CONFIG");
  });

  test("of a strategy that there is none of is wrong usage", async () => {
    expect(await runCli(["explain", "magic"])).toMatchObject({ code: 64, stdout: "" });
  });
});
