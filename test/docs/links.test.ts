import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../../scripts/bundle.mjs";

const DOCUMENTS = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs")).flatMap((name) =>
    name.endsWith(".md") ? [`docs/${name}`] : [],
  ),
];
/** Folders of the project, and rooms of src by themselves. */
const FOLDERS = "src|test|scripts|docs|fixtures|examples|bench|bin";
const ROOMS = "units|module|kvm|ledger|cost|lab|store|report|cli";

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = ""]) => group);
}

describe.each(DOCUMENTS)("%s", (document) => {
  const text = readFileSync(join(root, document), "utf8").replace(/^```[\s\S]*?^```$/gm, "");

  test("links to what is there", () => {
    const files = [
      ...matches(text, /\]\(((?!https?:|#)[^)\s#]+)(?:#[^)]*)?\)/g),
      ...matches(text, /(?:src|srcset)="([^"]+)"/g),
    ];
    const gone = files.filter((file) => !existsSync(join(root, dirname(document), file)));
    expect(gone).toEqual([]);
  });

  test("names files by the path that they have", () => {
    const named = [
      ...matches(text, new RegExp(`\`((?:${FOLDERS})/[\\w./-]*[\\w/])\``, "g")),
      ...matches(text, new RegExp(`\`((?:${ROOMS})/[\\w./-]*[\\w/])\``, "g")).map(
        (file) => `src/${file}`,
      ),
    ];
    const gone = named.filter((file) => !file.includes("NAME") && !existsSync(join(root, file)));
    expect(gone).toEqual([]);
  });
});
