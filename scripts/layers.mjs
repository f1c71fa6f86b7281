// The command line in layers, each a file that is loaded when something in it is needed: a start
// reads and compiles little, and what runs hot together stays in one file, where a call from one
// module to another is a plain call. Every module belongs to exactly one layer.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";

/**
 * What each layer begins with. A layer is that and all it imports, less what layers before it
 * have; what `import()` loads later and no layer has makes up the last one, REST.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const BEGINNINGS = {
  start: ["src/cli/main.ts"],
  life: [
    "src/cli/commands/compare.ts",
    "src/cli/commands/destroy.ts",
    "src/cost/profiles/index.ts",
  ],
  store: [
    ...["create", "populate", "convert", "punch", "list", "show", "reset"].map(
      (name) => `src/cli/commands/${name}.ts`,
    ),
    "src/cli/stored-host.ts",
    "src/store/envelope.ts",
    "src/store/lock.ts",
  ],
};
const REST = "rest";

/**
 * Modules that wait for the first call of one of their functions, though what imports them is
 * needed at once: a plain teardown calls none. Nothing but their functions can be imported then.
 */
const CALLED_LATER = new Set([
  "src/cli/scenario-input.ts",
  "src/cli/stored-host.ts",
  "src/lab/expect/baseline-file.ts",
  "src/lab/expect/evaluate.ts",
  "src/lab/expect/parse.ts",
  "src/lab/explain-strategy.ts",
  "src/lab/faults/legal-statuses.ts",
  "src/lab/guest-life.ts",
  "src/lab/module-locks.ts",
  "src/lab/platform-schema.ts",
  "src/lab/scenario/config.ts",
  "src/lab/sweep/sweep-baseline.ts",
  "src/lab/trace/unit-times.ts",
  "src/report/formats/csv.ts",
  "src/report/formats/json.ts",
  "src/store/envelope.ts",
  "src/store/lock.ts",
  "src/store/output-file.ts",
]);
const MAIN = "main";

/**
 * How layers ask each other, a function that bin/tdx-sim.cjs gives them:
 * `fromLayer("life", "m3_define")`.
 */
const FROM = "fromLayer";

/**
 * @typedef {object} Module
 * @property {string} owner layer
 * @property {string} name by which layers ask for it
 * @property {readonly string[]} exports
 * @property {boolean} isLazy whether a layer other than its own imports it by `import()`
 */
/** @typedef {Map<string, Module>} Modules by path */

/**
 * Divides the command line and bundles it.
 * @param {string} main module that it begins with: `fromLayer("start", "main")`
 * @param {esbuild.BuildOptions} options of the bundles
 * @returns {Promise<Map<string, string>>} layers by name, each the text of a function of
 *   `exports`, `require`, `module`, `__dirname` and `fromLayer` that exports `ask`
 */
export async function bundleLayers(main, options) {
  const modules = await modulesOf(main, options);
  const names = [...Object.keys(BEGINNINGS), REST];
  /** @type {Map<string, string>} */
  const layers = new Map();
  // A layer imports from those before it: what they must export is known once it is bundled.
  for (const name of names.toReversed()) {
    const asked = [...layers.values()].flatMap((text) => askedOf(name, text));
    for (const { owner, name: module, isLazy } of modules.values()) {
      if (isLazy && owner === name) asked.push(module);
    }
    const { outputFiles = [] } = await esbuild.build({
      ...options,
      stdin: {
        contents: entryOf(name, modules, asked),
        resolveDir: options.absWorkingDir ?? "",
      },
      banner: { js: `(function (exports, require, module, __dirname, ${FROM}) {` },
      footer: { js: "})" },
      write: false,
      plugins: [elsewhere(name, modules), ...(options.plugins ?? [])],
    });
    layers.set(name, outputFiles.map(({ text }) => text).join(""));
  }
  return layers;
}

/**
 * @param {string} layer
 * @param {string} text of another layer
 * @returns {string[]} what the text asks of the layer
 */
function askedOf(layer, text) {
  const calls = text.matchAll(new RegExp(`${FROM}\\("${layer}", ?"(\\w+)"\\)`, "g"));
  return [...calls].map(([, name = ""]) => name);
}

/**
 * Finds the modules of the command line, and which layer owns each.
 * @param {string} main
 * @param {esbuild.BuildOptions} options
 * @returns {Promise<Modules>}
 */
async function modulesOf(main, options) {
  const { inputs } = await analysed(options, [main]);
  const owners = ownersOf(inputs);
  const paths = [...owners.keys()].filter((path) => !path.includes(":")).sort();
  const { outputs } = await analysed(options, paths);
  const exports = new Map(Object.values(outputs).map((each) => [each.entryPoint, each.exports]));
  const crossed = Object.entries(inputs).flatMap(([importer, { imports }]) =>
    imports
      .filter(({ kind, path }) => kind === "dynamic-import" || CALLED_LATER.has(path))
      .map(({ path }) => path)
      .filter((path) => owners.get(path) !== owners.get(importer)),
  );
  const lazy = new Set([main, ...crossed]);
  return new Map(
    paths.map((path, i) => [
      path,
      {
        owner: owners.get(path) ?? REST,
        name: path === main ? MAIN : `m${i}`,
        exports: exports.get(path) ?? [],
        isLazy: lazy.has(path),
      },
    ]),
  );
}

/**
 * @param {esbuild.BuildOptions} options
 * @param {string[]} entryPoints
 * @returns {Promise<esbuild.Metafile>}
 */
async function analysed(options, entryPoints) {
  const { metafile } = await esbuild.build({
    ...options,
    entryPoints,
    outdir: "dist",
    format: "esm",
    splitting: true,
    metafile: true,
    write: false,
    supported: {},
  });
  return metafile;
}

/**
 * @param {esbuild.Metafile["inputs"]} inputs
 * @returns {Map<string, string>} path of a module to its layer
 */
function ownersOf(inputs) {
  /** @type {Map<string, string>} */
  const owners = new Map();
  for (const [layer, beginnings] of Object.entries(BEGINNINGS)) {
    const waiting = [...beginnings];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const input = inputs[path];
      if (input === undefined || owners.has(path)) continue;
      owners.set(path, layer);
      const needed = input.imports.filter(({ kind }) => kind !== "dynamic-import");
      waiting.push(...needed.map((each) => each.path).filter((each) => !CALLED_LATER.has(each)));
    }
  }
  for (const path of Object.keys(inputs)) if (!owners.has(path)) owners.set(path, REST);
  return owners;
}

/**
 * The module that a layer is bundled from: a function that knows what it is asked for. The last
 * layer evaluates a module when it is asked for one; the others need all of theirs.
 * @param {string} layer
 * @param {Modules} modules
 * @param {readonly string[]} asked names of modules, or of exports: `m3`, `m3_define`
 */
function entryOf(layer, modules, asked) {
  const paths = new Map(
    [...modules].map(([path, { name }]) => [name, JSON.stringify(`./${path}`)]),
  );
  const names = [...new Set(asked)].sort();
  const imports = names.map((name) => {
    const [, module = "", symbol] = /^(m\d+|main)(?:_(.+))?$/.exec(name) ?? [];
    return symbol === undefined
      ? `import * as ${name} from ${paths.get(module)};`
      : `import { ${symbol} as ${name} } from ${paths.get(module)};`;
  });
  const cases = names.map((name) => {
    return `case "${name}": return ${layer === REST ? `require(${paths.get(name)})` : name};`;
  });
  return [
    ...(layer === REST ? [] : imports),
    `export function ask(name) { switch (name) {`,
    ...cases,
    "} }",
  ].join("\n");
}

/**
 * Takes what other layers own from there.
 * @param {string} layer that is bundled
 * @param {Modules} modules
 * @returns {esbuild.Plugin}
 */
function elsewhere(layer, modules) {
  const namespace = "layer";
  const layers = [...Object.keys(BEGINNINGS), REST];
  return {
    name: "layers",
    setup({ initialOptions, onLoad, onResolve, resolve }) {
      const root = initialOptions.absWorkingDir ?? "";
      const found = new Map(
        [...modules].map(([path, module]) => [join(root, path), { ...module, path }]),
      );
      onResolve({ filter: /^[./@a-z]/ }, async ({ path, pluginData, ...where }) => {
        if (pluginData === layer || where.namespace === namespace) return null;
        const module = found.get((await resolve(path, { ...where, pluginData: layer })).path);
        if (module === undefined || module.owner === layer) return null;
        const isLater = layers.indexOf(module.owner) > layers.indexOf(layer);
        const how = where.kind === "dynamic-import" ? wholly : isLater ? whenCalled : atOnce;
        return { path: `${how.name}:${module.name}`, namespace, pluginData: { module, how } };
      });
      onLoad({ filter: /.*/, namespace }, ({ pluginData: { module, how } }) => {
        return { contents: how(module) };
      });
    },
  };
}

/**
 * What `import()` of a module in another layer loads.
 * @param {Module} module
 */
function wholly({ owner, name }) {
  return `module.exports = ${FROM}("${owner}", "${name}");`;
}

/**
 * What imports from an earlier layer: that is there already.
 * @param {Module} module
 */
function atOnce({ owner, name, exports }) {
  const lines = exports.map(
    (each, i) =>
      `const e${i} = /* @__PURE__ */ ${FROM}("${owner}", "${name}_${each}");` +
      ` export { e${i} as ${each} };`,
  );
  return lines.join("\n");
}

/**
 * What imports one of `CALLED_LATER` from a later layer.
 * @param {Module & { path: string }} module
 */
function whenCalled({ owner, name, path }) {
  const source = readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
  const functions = source.matchAll(/^export (?:async )?function\*? (\w+)/gm);
  const lines = [...functions].map(
    ([, each]) =>
      `export const ${each} = (...args) => ${FROM}("${owner}", "${name}").${each}(...args);`,
  );
  return lines.join("\n");
}
