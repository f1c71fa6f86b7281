/**
 * Vitest reporter: when all is run, one table of what the tests tallied (test/support/totals.ts), row
 * by row as docs/reliability.md names them. Seconds are those of the tests, which run side by side.
 */
export default class NightlyTotals {
  /** @type {Map<string, { row: string, of: string, cases: number, seconds: number, ok: boolean }>} */
  #rows = new Map();
  #started = Date.now();

  /** @param {import("vitest/node").TestCase} testCase */
  onTestCaseResult(testCase) {
    const totals = testCase.meta().totals ?? [];
    const seconds = (testCase.diagnostic()?.duration ?? 0) / 1000 / (totals.length || 1);
    for (const { row, of, cases } of totals) {
      const key = `${row} ${of}`;
      const sum = this.#rows.get(key) ?? { row, of, cases: 0, seconds: 0, ok: true };
      sum.cases += cases;
      sum.seconds += seconds;
      sum.ok &&= testCase.ok();
      this.#rows.set(key, sum);
    }
  }

  onTestRunEnd() {
    const rows = [...this.#rows.values()].sort(
      (a, b) => inOrder(a.row, b.row) || inOrder(a.of, b.of),
    );
    if (rows.length === 0) return;
    const wall = ((Date.now() - this.#started) / 60_000).toFixed(1);
    console.log(`\nseed ${process.env["TDX_SIM_TEST_SEED"]}, ${wall} minutes in all\n`);
    console.log("| row | cases | of | seconds | passed |\n|---|---:|---|---:|---|");
    for (const { row, of, cases, seconds, ok } of rows) {
      const count = cases.toLocaleString("en");
      console.log(`| ${row} | ${count} | ${of} | ${seconds.toFixed(1)} | ${ok ? "yes" : "NO"} |`);
    }
  }
}

/**
 * E2 before E10.
 *
 * @param {string} a
 * @param {string} b
 */
function inOrder(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}
