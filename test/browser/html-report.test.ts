import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { renderHtml } from "../../src/report/drawings/html.ts";
import { COMPARISON } from "../report/example-result.ts";
import { openFile, startChromium } from "../support/chromium.ts";
import { runCliSync } from "../support/cli.ts";
import { differenceFrom } from "../support/pictures.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FILES = temporaryDirectory("report");
const REPORT = join(FILES, "report.html");
/** Of made-up times, so that no better estimate changes how it looks. */
const EXAMPLE = join(FILES, "example.html");
const TD = ["--memory", "400G", "--vcpus", "64"];
const WIDE = { width: 1100, scheme: "light" } as const;

let browser: Browser;

beforeAll(async () => {
  const { code, stderr } = runCliSync(["compare", ...TD, "--export", `html=${REPORT}`]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const materials = { profile: PUBLISHED_2025, theme: "auto" as const };
  writeFileSync(EXAMPLE, await renderHtml(COMPARISON, materials));
  browser = await startChromium();
});

afterAll(async () => {
  await browser?.close();
});

function counts(page: Page): ReturnType<Page["locator"]> {
  return page.locator("#drawings figure").first();
}

async function bars(page: Page): Promise<number> {
  return counts(page).locator('[aria-label="bar"] rect').count();
}

describe("the HTML report in Chromium", () => {
  test.each([
    [1100, "light"],
    [1100, "dark"],
    [420, "light"],
    [420, "dark"],
  ] as const)(
    "looks as it was looked at, %i wide and %s, without a complaint",
    async (width, scheme) => {
      const { page, complaints } = await openFile(browser, EXAMPLE, { width, scheme });
      const head = await page.screenshot({
        fullPage: true,
        clip: { x: 0, y: 0, width, height: 1400 },
      });
      expect(differenceFrom(`report-${width}-${scheme}`, head)).toBeNull();
      expect(complaints).toEqual([]);
      // Nothing is wider than the page: tables scroll by themselves.
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    },
  );

  test("looks as it was looked at on a log scale", async () => {
    const { page, complaints } = await openFile(browser, EXAMPLE, WIDE);
    await page.getByRole("radio", { name: "log" }).check();
    await page.mouse.move(0, 0);
    const picture = await page.locator("#charts").screenshot();
    expect(differenceFrom("charts-log", picture)).toBeNull();
    expect(complaints).toEqual([]);
  });

  test("takes strategies away and brings them back", async () => {
    const { page, complaints } = await openFile(browser, REPORT, WIDE);
    const all = await bars(page);
    await page.getByRole("checkbox", { name: "runtime" }).uncheck();
    expect(await bars(page)).toBeLessThan(all);
    await expect(counts(page).innerText()).resolves.not.toContain("419,636,060");
    for (const name of ["exit", "hint"]) await page.getByRole("checkbox", { name }).uncheck();
    expect(await page.locator("#drawings").innerText()).toBe("No strategy is chosen.");
    for (const name of ["runtime", "exit", "hint"])
      await page.getByRole("checkbox", { name }).check();
    expect(await bars(page)).toBe(all);
    expect(complaints).toEqual([]);
  });

  test("switches between linear and log, and says which it is", async () => {
    const { page } = await openFile(browser, REPORT, WIDE);
    expect(await counts(page).innerText()).toContain("linear scale");
    await page.getByRole("radio", { name: "log" }).check();
    expect(await counts(page).innerText()).toContain("log scale, every part by itself");
    await page.getByRole("radio", { name: "linear" }).check();
    expect(await counts(page).innerText()).toContain("linear scale");
  });

  test("tells the exact count of what is pointed at", async () => {
    const { page } = await openFile(browser, REPORT, WIDE);
    await counts(page).locator('[aria-label="bar"] rect').first().hover();
    const tip = counts(page).locator('[aria-label="tip"]');
    await expect(tip.textContent()).resolves.toContain("TDH.MEM.RANGE.BLOCK: 104,857,600");
  });

  test("can be used with the keyboard alone", async () => {
    const { page } = await openFile(browser, REPORT, WIDE);
    const all = await bars(page);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    expect(await bars(page)).toBeLessThan(all);
    for (let stop = 0; stop < 3; stop += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    expect(await counts(page).innerText()).toContain("log scale");
    await page.keyboard.press("Tab");
    const focused = await page.evaluate("document.activeElement.getAttribute('aria-label')");
    expect(focused).toBe("Counts and times");
  });

  test("shows how a strategy goes when that is opened, with no text outside the drawing", async () => {
    const { page, complaints } = await openFile(browser, REPORT, WIDE);
    const hint = page.locator("#sequences details", { hasText: "hint in v16" });
    expect(await hint.locator("svg").isVisible()).toBe(false);
    await hint.locator("summary").click();
    const picture = hint.locator("svg");
    expect(await picture.isVisible()).toBe(true);
    expect(await picture.textContent()).toContain("KVM_TDX_RELEASE_VM");
    const frame = await picture.boundingBox();
    const ends = await picture
      .locator("text")
      .evaluateAll((texts) => texts.map((text) => text.getBoundingClientRect().right));
    expect(Math.max(...ends)).toBeLessThanOrEqual((frame?.x ?? 0) + (frame?.width ?? 0));
    expect(complaints).toEqual([]);
  });

  test("is drawn anew when the window becomes narrower", async () => {
    const { page, complaints } = await openFile(browser, REPORT, WIDE);
    await page.setViewportSize({ width: 420, height: 800 });
    await expect
      .poll(() => page.evaluate("document.documentElement.scrollWidth"), { timeout: 5000 })
      .toBe(420);
    expect(complaints).toEqual([]);
  });

  test("prints without its controls and without cutting anything off", async () => {
    const { page } = await openFile(browser, REPORT, WIDE);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("#controls").isVisible()).toBe(false);
    const overflow = "getComputedStyle(document.querySelector('#figures .scroll')).overflowX";
    expect(await page.evaluate(overflow)).toBe("visible");
    expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(20_000);
  });

  test("is whole without its script", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`file://${REPORT}`);
    expect(await page.locator("#drawings svg").isVisible()).toBe(true);
    expect(await page.locator("#controls").isVisible()).toBe(false);
    expect(await page.locator("#profile li").count()).toBeGreaterThan(15);
  });
});
