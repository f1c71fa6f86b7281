import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderSvg } from "../../src/report/drawings/svg.ts";
import { renderSweepSvg } from "../../src/report/svg-sweep.ts";
import { COMPARISON } from "../report/example-result.ts";
import { sweepRows } from "../report/sweep-rows.ts";
import { openFile, startChromium } from "../support/chromium.ts";
import { runCliSync } from "../support/cli.ts";
import { differenceFrom } from "../support/pictures.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FILES = temporaryDirectory("svg");
/** Of made-up times, so that no better estimate changes how it looks. */
const COMPARE = join(FILES, "compare.svg");
const LARGE = join(FILES, "large.svg");
const SWEEP = join(FILES, "sweep.svg");

let browser: Browser;

beforeAll(async () => {
  const args = ["compare", "--memory", "400G", "--vcpus", "64", "--export", `svg=${LARGE}`];
  expect(runCliSync(args).code).toBe(0);
  writeFileSync(COMPARE, renderSvg(COMPARISON));
  writeFileSync(SWEEP, renderSweepSvg(sweepRows([1, 4, 16, 64, 256])) ?? "");
  browser = await startChromium();
});

afterAll(async () => {
  await browser?.close();
});

describe("SVG pictures in Chromium", () => {
  test.each([
    ["compare", COMPARE, "light"],
    ["compare", COMPARE, "dark"],
    ["sweep", SWEEP, "light"],
    ["sweep", SWEEP, "dark"],
  ] as const)("%s looks as it was looked at", async (name, file, scheme) => {
    const { page, complaints } = await openFile(browser, file, { width: 960, scheme });
    const picture = await page.locator("svg").first().screenshot();
    expect(differenceFrom(`${name}-${scheme}`, picture)).toBeNull();
    expect(complaints).toEqual([]);
  });

  test.each([
    ["compare", COMPARE],
    ["compare of 400 GiB", LARGE],
    ["sweep", SWEEP],
  ])("no text leaves the picture of %s", async (_, file) => {
    const { page } = await openFile(browser, file, { width: 960, scheme: "light" });
    const ends = await page.locator("text").evaluateAll((texts) =>
      texts.map((text) => {
        const { left, right } = text.getBoundingClientRect();
        return [left, right];
      }),
    );
    for (const [left = -1, right = 9999] of ends) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(960);
    }
  });
});
