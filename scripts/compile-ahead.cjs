// node scripts/compile-ahead.cjs CLI DIRECTORY FIXTURES
// Runs commands of the bundle CLI in one process and leaves what V8 compiled of each layer beside
// it in DIRECTORY, for bin/tdx-sim.cjs: a start spends most of its time on compiling otherwise.
"use strict";

const { mkdtempSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { setFlagsFromString } = require("node:v8");

const [cli = "", directory = "", scenario = ""] = process.argv.slice(2);
const store = mkdtempSync(join(tmpdir(), "tdx-sim-build-"));

/**
 * What is compiled ahead: what most commands need, and no more, since every start reads it. What
 * these teardowns load holds what they need; others compile the little more that they need of it.
 */
const TEARDOWNS = [
  ["compare", "--memory", "64G", "--vcpus", "4"],
  ["destroy", "--memory", "64G", "--hint"],
];
const OTHERS = [
  ["create", "td", "--memory", "1G"],
  ["populate", "td"],
  ["list"],
  ["show", "td", "--format", "json"],
  ["destroy", "td", "--hint"],
  ["run", scenario],
  ["sweep", "--memory", "1G..4G:x2"],
  ["explain", "hint"],
];

const { main, scripts } = require(cli);

async function compileAhead() {
  /** @type {Set<string>} */
  const written = new Set();
  for (const commands of [TEARDOWNS, OTHERS]) {
    // V8 forgets what has not run for a while.
    setFlagsFromString("--no-flush-bytecode");
    for (const command of commands) {
      await main([...command, "--store", store, "--quiet"]);
      if (process.exitCode !== 0) throw new Error(`tdx-sim ${command.join(" ")} failed`);
    }
    // Compiled code is only taken where the flags are the same.
    setFlagsFromString("--flush-bytecode");
    for (const [layer, script] of scripts) {
      if (!written.has(layer)) write(layer, script.createCachedData());
      written.add(layer);
    }
  }
}

/**
 * @param {string} layer
 * @param {Buffer} compiled
 */
function write(layer, compiled) {
  const name = `${layer}.cjs.${process.version}-${process.arch}.cache`;
  const draft = join(directory, `.${name}.${process.pid}`);
  writeFileSync(draft, Buffer.concat([compiled, compiled]));
  renameSync(draft, join(directory, name));
}

compileAhead().finally(() => rmSync(store, { recursive: true, force: true }));
