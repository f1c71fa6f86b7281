// Removes what an earlier build left in dist, so that a deleted source file is not published.
// What the command line consists of stays: it is replaced by rename, and may be running right now.
// With --all, before packing, that goes too: layers of the last hour's builds would be published.
import { readdirSync, rmSync } from "node:fs";

const dist = new URL("../dist/", import.meta.url);
const KEEP = process.argv.includes("--all") ? /^$/ : /^(?:layers|cli-\w+|lazy)$/;

for (const name of listed(dist)) {
  if (!KEEP.test(name)) rmSync(new URL(name, dist), { recursive: true, force: true });
}

/**
 * @param {URL} directory
 * @returns {string[]} its entries; none when it does not exist
 */
function listed(directory) {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
