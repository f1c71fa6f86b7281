/**
 * What becomes dist/cli.cjs: runs the command line out of its layers (scripts/layers.mjs), each
 * loaded when something in it is asked for, with the code that V8 compiled of it at build time
 * (scripts/compile-ahead.cjs).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
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
