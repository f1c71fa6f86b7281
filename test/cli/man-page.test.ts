import { expect, test } from "vitest";
import { renderManPage } from "../../scripts/man.mjs";
import { COMMANDS } from "../../src/cli/commands/index.ts";
import { HELP_TOPICS } from "../../src/cli/help-topics.ts";

const page = await renderManPage();

test("the manual page has every command and topic, hidden ones left out", () => {
  for (const { name, isHidden } of COMMANDS) {
    const heading = `.SS "tdx\\-sim ${name} `;
    expect(page.includes(heading), name).toBe(isHidden !== true);
  }
  for (const topic of Object.keys(HELP_TOPICS)) {
    expect(page).toContain(`.SH ${topic.toUpperCase().replaceAll("-", " ")}\n`);
  }
});

test("no line of text is taken for a request", () => {
  const requests = new Set([".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi"]);
  for (const line of page.split("\n")) {
    if (/^[.']/.test(line)) expect(requests).toContain(line.split(" ")[0]);
  }
});
