// Loaded before the program (node -r) with FD 3 open: says there what it took at most, in bytes.
// Linux's own VmHWM: the maxRSS of getrusage is never less than what the process that was forked
// had before it became the program, which is all that its parent held.
"use strict";

const { readFileSync, writeSync } = require("node:fs");

process.on("exit", () => {
  const found = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  writeSync(3, String(Number(found?.[1]) * 1024));
});
