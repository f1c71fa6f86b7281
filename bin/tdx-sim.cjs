#!/usr/bin/env node
// Runs the command line out of its layers (scripts/layers.mjs), each loaded when something in it
// is asked for, with the code that V8 compiled of it at build time (scripts/compile-ahead.cjs).
// It is all in this file, since one more module would cost as much as reading a layer.
"use strict";

const { readFileSync } = require("node:fs");
const { join, sep } = require("node:path");
const { Script } = require("node:vm");

/**
 * A layer, before it is run and after that.
 * @typedef {{ exports: { ask?: (name: string) => unknown } }} Layer
 */
/**
 * What a layer's file evaluates to.
 * @typedef {(
 *   exports: Layer["exports"],
 *   require: NodeJS.Require,
 *   module: Layer,
 *   directory: string,
 *   fromLayer: (layer: string, name: string) => unknown,
 * ) => void} RunLayer
 */

const DIST = join(__dirname, "..", "dist");
/** @type {Map<string, Layer>} */
const layers = new Map();
/**
 * Of the layers loaded until now, for those who want to keep what V8 made of them.
 * @type {Map<string, import("node:vm").Script>}
 */
const scripts = new Map();
let directory = "";

/**
 * What `layer` has under `name`.
 * @param {string} layer
 * @param {string} name
 */
function fromLayer(layer, name) {
  let module = layers.get(layer);
  if (module === undefined) {
    module = { exports: {} };
    layers.set(layer, module);
    load(layer)(module.exports, require, module, directory, fromLayer);
  }
  return module.exports.ask?.(name);
}

/**
 * @param {string} layer
 * @returns {RunLayer}
 */
function load(layer) {
  const filename = join(directory, `${layer}.cjs`);
  // The layers are ASCII, and V8 reads Latin-1 as it is.
  const source = readFileSync(filename, "latin1");
  const script = new Script(source, { filename, cachedData: compiledAhead(filename) });
  scripts.set(layer, script);
  return script.runInThisContext();
}

/**
 * V8 itself refuses what another version compiled or another source, but not what is damaged
 * (Node 20, 22 and 24 end with a segmentation fault). So the file holds everything twice, which
 * costs a tenth of any checksum that Node 20 offers.
 * @param {string} filename of a layer
 */
function compiledAhead(filename) {
  try {
    const twice = readFileSync(`${filename}.${process.version}-${process.arch}.cache`);
    const once = twice.subarray(0, twice.length / 2);
    return once.equals(twice.subarray(once.length)) ? once : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @typedef {typeof import("../src/cli/main.ts")} CommandLine
 * @returns {CommandLine["main"] | null} null without a whole build
 */
function commandLine() {
  try {
    // Which build: a program that is running keeps its own while another one is made.
    directory = join(DIST, readFileSync(join(DIST, "layers"), "latin1"));
    return /** @type {CommandLine} */ (fromLayer("start", "main")).main;
  } catch (error) {
    const { code, path } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === "ENOENT" && path?.startsWith(DIST + sep)) return null;
    throw error;
  }
}

const main = commandLine();
module.exports = { main, scripts };
if (main === null) {
  process.stderr.write("tdx-sim: dist is not whole\nhint: run npm run build\n");
  process.exitCode = 70;
} else if (require.main === module) {
  // Left to itself, node takes a twentieth of a short command to give its heap back bit by bit.
  main(process.argv.slice(2)).then((done) => done && process.exit());
}
