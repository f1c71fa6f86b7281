import { setFlagsFromString } from "node:v8";

/**
 * Has V8 optimise after 66 KB of bytecode, as it does by itself. The loader puts that off for the
 * sake of short commands; a sweep of thousands of points calls hundreds of functions that all
 * wait for it, and took half as long again (docs/performance.md).
 */
export function optimiseSoon(): void {
  if (process.version.startsWith("v20.")) setFlagsFromString("--interrupt-budget=66000");
}
