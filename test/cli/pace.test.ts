import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { Console, type OutputStream } from "../../src/cli/console.ts";
import { parsePace, play } from "../../src/cli/pace.ts";
import { type StopSignal, StopSignals } from "../../src/cli/signals.ts";
import { timeline } from "../../src/cli/timeline.ts";
import { Failure } from "../../src/units/failure.ts";
import { TROUBLED } from "../report/example-result.ts";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

class FakeSignals extends StopSignals {
  #signal: StopSignal | null = null;
  #tell: (signal: StopSignal) => void = () => {};

  override get received(): StopSignal | null {
    return this.#signal;
  }

  override onStop(listener: (signal: StopSignal) => void): () => void {
    this.#tell = listener;
    return () => {};
  }

  send(signal: StopSignal): void {
    this.#signal = signal;
    this.#tell(signal);
  }
}

function screen(isTTY: boolean) {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  const stderr = Object.assign(stream, { isTTY, columns: 80 }) as unknown as OutputStream;
  const stdout = new PassThrough() as unknown as OutputStream;
  const signals = new FakeSignals();
  const console = new Console(stdout, stderr, { TERM: "xterm" });
  return { cli: { console, signals }, signals, text: () => chunks.join("") };
}

function cursorIsBack(text: string): boolean {
  return (
    text.includes(HIDE_CURSOR) && text.lastIndexOf(SHOW_CURSOR) > text.lastIndexOf(HIDE_CURSOR)
  );
}

describe("a pace", () => {
  test("is a factor, with or without its x", () => {
    expect([parsePace("1000x"), parsePace("60"), parsePace("1.5x")]).toEqual([1000, 60, 1.5]);
  });

  test.each(["", "0", "0x", "-1x", "x", "fast", "1e9x", "1000 x"])("is not %j", (text) => {
    expect(() => parsePace(text)).toThrow(Failure);
  });
});

describe("the time line that is played", () => {
  const { at } = timeline(TROUBLED);

  test("begins with everything to do and ends with everything done", () => {
    expect(at(0)).toMatchObject({ clock: 0, seamcalls: 0, pagesLeft: 4_194_304, over: false });
    const end = at(Number.POSITIVE_INFINITY);
    expect(end).toMatchObject({ seamcalls: 4_202_552, pagesLeft: 0, over: true });
    expect(end.clock).toBe(
      TROUBLED.strategies[0]?.phases.reduce((sum, p) => sum + p.elapsedNs.mid, 0),
    );
  });

  test("has each phase begin when the one before is over", () => {
    const [release, pages, tables] = at(350e6 + 19_900e6 / 2).phases;
    expect(release).toMatchObject({ phase: "release-hkid", done: 7, total: 7 });
    expect(pages).toMatchObject({ phase: "reclaim-private", done: 2_097_152 });
    expect(tables).toMatchObject({ phase: "reclaim-sept", done: 0 });
  });
});

describe("playing", () => {
  test("shows every phase to its end, says simulated and the range, gives the cursor back", async () => {
    const { cli, text } = screen(true);
    await expect(play(cli, TROUBLED, 200)).resolves.toBeNull();
    const said = text();
    expect(said).toContain(
      "SIMULATED hint, cost profile published-2025: 20 s (18 to 23 s, fitted)",
    );
    expect(said).toMatch(/reclaim-private \[#+\] 100 %/);
    expect(said).toContain("4,202,552 SEAMCALLs, 0 pages left");
    expect(cursorIsBack(said)).toBe(true);
  });

  test("stops at a signal at once, and gives the cursor back", async () => {
    const { cli, signals, text } = screen(true);
    const playing = play(cli, TROUBLED, 0.001);
    setTimeout(() => signals.send("SIGINT"), 150);
    const begun = performance.now();
    await expect(playing).resolves.toMatchObject({ signal: "SIGINT" });
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(cursorIsBack(text())).toBe(true);
  });

  test("is left out where there is no terminal, and a note says so", async () => {
    const { cli, text } = screen(false);
    await expect(play(cli, TROUBLED, 0.001)).resolves.toBeNull();
    expect(text()).toBe("note: --pace needs a terminal on stderr; nothing is played\n");
  });
});
