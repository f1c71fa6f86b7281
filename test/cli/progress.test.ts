import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { Console, type OutputStream } from "../../src/cli/console.ts";
import { type ProgressOption, startProgress } from "../../src/cli/progress.ts";

const SHOW_CURSOR = "\x1b[?25h";

interface Screen {
  readonly console: Console;
  text(): string;
}

function screen(isTTY: boolean, environment: Record<string, string> = {}): Screen {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  const stderr = Object.assign(stream, { isTTY, columns: 80 }) as unknown as OutputStream;
  const stdout = new PassThrough() as unknown as OutputStream;
  return { console: new Console(stdout, stderr, environment), text: () => chunks.join("") };
}

function run({ console, text }: Screen, option: ProgressOption): string {
  const { onProgress, stop } = startProgress(console, option);
  for (let done = 0; done <= 1000; done += 1) onProgress(done, 1000, "remove-private");
  stop();
  return text();
}

async function barAfter(view: Screen, ms: number): Promise<string> {
  const { onProgress, stop } = startProgress(view.console, "auto");
  const end = performance.now() + ms;
  for (let done = 0; performance.now() < end; done += 1) {
    onProgress(Math.min(done, 99), 100, "reclaim-private");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stop();
  return view.text();
}

describe("progress", () => {
  test("is silent where there is no terminal", () => {
    expect(run(screen(false), "auto")).toBe("");
  });

  test("is a line for each tenth where there is no terminal and it is always wanted", () => {
    const lines = run(screen(false), "always").trimEnd().split("\n");
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe("remove-private: 10 %, 100 of 1,000");
    expect(lines[9]).toBe("remove-private: 100 %, 1,000 of 1,000");
  });

  test("starts over with each phase", () => {
    const view = screen(false);
    const { onProgress } = startProgress(view.console, "always");
    onProgress(10, 10, "remove-private");
    onProgress(10, 10, "reclaim-private");
    expect(view.text().trimEnd().split("\n")).toHaveLength(2);
  });

  test("is silent when it is never wanted, or quiet", () => {
    expect(run(screen(true), "never")).toBe("");
    const quiet = screen(true);
    quiet.console.configure({ quiet: true });
    expect(run(quiet, "always")).toBe("");
  });

  test("is no bar on a dumb terminal", () => {
    expect(run(screen(true, { TERM: "dumb" }), "auto")).toBe("");
  });

  test("is no bar for work that ends at once", async () => {
    expect(await barAfter(screen(true), 50)).toBe("");
  });

  test("is a bar for longer work on a terminal, and the cursor comes back", async () => {
    const text = await barAfter(screen(true), 1_500);
    expect(text).toContain("reclaim-private [");
    expect(text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(text.lastIndexOf("\x1b[?25l"));
  });
});
