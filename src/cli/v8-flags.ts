import { setFlagsFromString } from "node:v8";

/**
 * Lets V8 inline as much into one function as a SEAMCALL handler calls: 1,100 bytes of bytecode
 * with all its checks, where the default stops at 920 and leaves the rest as calls. Single calls
 * take 22 % fewer machine instructions; runs in spans do not care (docs/performance.md).
 */
export function inlineDeeply(): void {
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=2000");
}
