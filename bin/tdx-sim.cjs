#!/usr/bin/env node
"use strict";

const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");

const BUNDLE = join(__dirname, "../dist/cli.cjs");

try {
  // Node 22.8 and up keep compiled code between runs. For Node 20 the build leaves it in a file.
  if (Module.enableCompileCache === undefined) run(BUNDLE);
  else {
    Module.enableCompileCache();
    require(BUNDLE);
  }
} catch (error) {
  const missing = error?.code === "ENOENT" && error.path === BUNDLE;
  if (!missing && !(error?.code === "MODULE_NOT_FOUND" && error.requireStack?.[0] === __filename)) {
    throw error;
  }
  process.stderr.write("tdx-sim: dist/cli.cjs is missing\nhint: run npm run build\n");
  process.exitCode = 70;
}

/** What `require(file)` does, with the code that scripts/code-cache.cjs compiled beforehand. */
function run(file) {
  const source = readFileSync(file, "latin1");
  const script = new Script(Module.wrap(source), { filename: file, cachedData: compiled(source) });
  const module = { exports: {} };
  const load = script.runInThisContext();
  load(module.exports, Module.createRequire(file), module, file, dirname(file));
}

/** V8 takes compiled code only of its own version; a bundle is told by the hash it begins with. */
function compiled(source) {
  const hash = /^\/\*(\w+)\*\//.exec(source)?.[1];
  try {
    return readFileSync(join(__dirname, `../dist/cli.${hash}.cache`));
  } catch {
    return undefined;
  }
}
