/**
 * What becomes dist/cli.cjs: runs the command line out of its layers (scripts/layers.mjs), each
 * loaded when something in it is asked for, with the code that V8 compiled of it at build time
 * (scripts/compile-ahead.cjs).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

/** Directory of the layers, beside dist/cli.cjs; the build names it by what they consist of. */
declare const __LAYERS__: string;

/** A layer, before it is run and after that. */
interface Layer {
  readonly exports: { ask?: (name: string) => unknown };
}
/** What a layer's file evaluates to. */
type RunLayer = (
  exports: Layer["exports"],
  require: NodeJS.Require,
  module: Layer,
  directory: string,
  fromLayer: (layer: string, name: string) => unknown,
) => void;

/**
 * Bytes of bytecode that a function runs before V8 optimises it; the default is 66 KiB in Node 20.
 * Later ones count calls instead, and say on stderr that they do not know the flag. A command of 50 ms then pays for optimised code that it hardly gets to use (a quarter
 * of its processor time, docs/performance.md); one that runs on reaches it a few ms later. Set
 * before any layer is loaded: V8 takes code compiled ahead only under the flags it was made with.
 */
if (process.version.startsWith("v20.")) setFlagsFromString("--interrupt-budget=300000");

const directory = join(__dirname, __LAYERS__);
/** The layers loaded until now, for those who want to keep what V8 made of them. */
export const scripts = new Map<string, Script>();
const layers = new Map<string, Layer>();

export const { main } = fromLayer("start", "main") as typeof import("./main.ts");

/** What `layer` has under `name`. */
function fromLayer(layer: string, name: string): unknown {
  let module = layers.get(layer);
  if (module === undefined) {
    module = { exports: {} };
    layers.set(layer, module);
    load(layer)(module.exports, require, module, directory, fromLayer);
  }
  return module.exports.ask?.(name);
}

function load(layer: string): RunLayer {
  const filename = join(directory, `${layer}.cjs`);
  // The layers are ASCII, and V8 reads Latin-1 as it is.
  const source = readFileSync(filename, "latin1");
  const script = new Script(source, { filename, cachedData: compiledAhead(filename) });
  scripts.set(layer, script);
  return script.runInThisContext() as RunLayer;
}

/**
 * V8 itself refuses what another version compiled or another source, but not what is damaged
 * (Node 20, 22 and 24 end with a segmentation fault). So the file holds everything twice, which
 * costs a tenth of any checksum that Node 20 offers.
 */
function compiledAhead(filename: string): Buffer | undefined {
  try {
    const twice = readFileSync(`${filename}.${process.version}-${process.arch}.cache`);
    const once = twice.subarray(0, twice.length / 2);
    return once.equals(twice.subarray(once.length)) ? once : undefined;
  } catch {
    return undefined;
  }
}
