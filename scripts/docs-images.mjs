// `npm run docs:images` makes the pictures in docs/images, by the program itself; with --check it
// only says which of them are out of date, for CI.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./bundle.mjs";

const IMAGES = join(root, "docs", "images");
const PROGRAM = join(root, "bin", "tdx-sim.cjs");

/** @type {Readonly<Record<string, readonly string[]>>} picture to command line */
const PICTURES = {
  compare: ["compare", "--td", "published-64x400"],
  sweep: ["sweep", "--memory", "1G..1T:x4", "--vcpus", "4"],
};
const THEMES = ["light", "dark"];

const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;

/**
 * Draws every picture in both themes.
 * @param {string} directory
 * @returns {string[]} the names of the files
 */
function draw(directory) {
  mkdirSync(directory, { recursive: true });
  const store = mkdtempSync(join(tmpdir(), "tdx-sim-images-"));
  try {
    return Object.entries(PICTURES).flatMap(([picture, command]) =>
      THEMES.map((theme) => {
        const name = `${picture}-${theme}.svg`;
        const args = [...command, "--theme", theme, "--export", `svg=${join(directory, name)}`];
        execFileSync(process.execPath, [PROGRAM, ...args, "--quiet", "--store", store], {
          env: environment,
          stdio: ["ignore", "ignore", "inherit"],
        });
        return name;
      }),
    );
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}

/** @param {string} path */
function contents(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (process.argv.includes("--check")) {
  const fresh = mkdtempSync(join(tmpdir(), "tdx-sim-images-"));
  try {
    const old = draw(fresh).filter((name) => {
      return contents(join(fresh, name)) !== contents(join(IMAGES, name));
    });
    for (const name of old) console.error(`docs/images/${name} is out of date`);
    if (old.length > 0) {
      console.error("run npm run docs:images and look at them");
      process.exitCode = 1;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
} else {
  for (const name of draw(IMAGES)) console.log(`docs/images/${name}`);
}
