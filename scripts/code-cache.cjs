// node scripts/code-cache.cjs BUNDLE CACHE ARGUMENT...
// Runs the command line and keeps, when it ends, what V8 compiled of it: a start of the program
// spends most of its time on compiling otherwise. bin/tdx-sim.cjs reads it.
"use strict";

const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname } = require("node:path");
const { Script } = require("node:vm");

const [bundle, cache, ...args] = process.argv.slice(2);
const script = new Script(Module.wrap(readFileSync(bundle, "latin1")), { filename: bundle });
process.argv.splice(1, process.argv.length, bundle, ...args);
process.on("exit", (code) => {
  if (code !== 0) return;
  const draft = `${cache}.${process.pid}`;
  writeFileSync(draft, script.createCachedData());
  renameSync(draft, cache);
});
const module_ = { exports: {} };
script.runInThisContext()(
  module_.exports,
  Module.createRequire(bundle),
  module_,
  bundle,
  dirname(bundle),
);
