#!/usr/bin/env node
"use strict";

const { join, sep } = require("node:path");

const DIST = join(__dirname, "..", "dist");

/** @returns {Pick<typeof import("../src/cli/loader.ts"), "main"> | null} null without a build */
function commandLine() {
  try {
    return require("../dist/cli.cjs");
  } catch (error) {
    const { code, requireStack, path } = error;
    if (code === "MODULE_NOT_FOUND" && requireStack?.[0] === __filename) return null;
    if (code === "ENOENT" && path?.startsWith(DIST + sep)) return null;
    throw error;
  }
}

const program = commandLine();
if (program === null) {
  process.stderr.write("tdx-sim: dist is not whole\nhint: run npm run build\n");
  process.exitCode = 70;
} else {
  // Left to itself, node takes a twentieth of a short command to give its heap back bit by bit.
  program.main(process.argv.slice(2)).then((done) => done && process.exit());
}
