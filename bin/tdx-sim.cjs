#!/usr/bin/env node
"use strict";

// Node 22.8 and up keep compiled code between runs; Node 20 has no such cache.
require("node:module").enableCompileCache?.();

try {
  require("../dist/cli.cjs");
} catch (error) {
  const missing = error?.code === "MODULE_NOT_FOUND" && error.requireStack?.[0] === __filename;
  if (!missing) throw error;
  process.stderr.write("tdx-sim: dist/cli.cjs is missing\nhint: run npm run build\n");
  process.exitCode = 70;
}
