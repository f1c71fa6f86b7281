// Loaded before the program (node -r) with FD 3 open: says there what it took at most, in bytes.
"use strict";

process.on("exit", () => {
  require("node:fs").writeSync(3, String(process.resourceUsage().maxRSS * 1024));
});
