import type { Chance } from "../model/chance.ts";
import type { CommandForm } from "./command-grammar.ts";
import { HOSTILE_TEXTS, mutated } from "./hostile-text.ts";

const SIZES = ["0", "4K", "64K", "1M", "2M", "6M", "64M", "1G", "400G", "1T", "4096", "1GiB"];
const COUNTS = ["0", "1", "2", "4", "8", "16", "64", "65", "576", "1000000"];
const FAULTS = [
  ...["TDH.MEM.TRACK:OPERAND_BUSY@k=1", "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY:p=0.01"],
  ...["*:OPERAND_BUSY@k=7", "TDH.VP.FLUSH:VCPU_NOT_ASSOCIATED", "TDH.VP.FLUSH:SYS_NOT_READY@k=1"],
  ...["TDH.PHYMEM.CACHE.WB:INTERRUPTED_RESUMABLE:from=2,times=3"],
  ...["TDH.PHYMEM.PAGE.RECLAIM:TDX_OPERAND_BUSY|RCX@page=0x5000,times=2"],
];
const EXPECTATIONS = [
  ...["hint.end.pagesLeaked == 0", "runtime.elapsedNs.high < 120s", "exit.seamcalls.total<1"],
  ...['hint.seamcalls.byLeaf["TDH.MEM.TRACK"] == 0', "hint/runtime.elapsedRatio.mid < 0.5"],
];
const STRATEGIES = ["runtime", "exit", "hint", "terminate", "runtime,exit", "hint,hint"];
const KERNELS = ["v16", "v6.16", "terminate-v4", "dynamic-pamt", "v16,v6.16", "nothing"];

/** Values that an option or argument is meant to have, by commander's attribute name. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  memory: SIZES,
  populated: SIZES,
  initialImage: SIZES,
  size: SIZES,
  at: SIZES,
  vcpus: COUNTS,
  packages: ["1", "2", "4"],
  lps: COUNTS,
  running: COUNTS,
  seed: COUNTS,
  maxEvents: COUNTS,
  pageSize: ["4K", "2M", "1G", "4096"],
  kernel: KERNELS,
  generation: KERNELS,
  platform: ["hkids-63", "hkids-15", "two-socket", "./nothing.json"],
  profile: ["published-2025", "silicon-build-2025", "./nothing.json"],
  td: ["published-64x400", "gcp-c3-standard-4", "none"],
  layout: ["contiguous", "q35", "alternate"],
  strategy: STRATEGIES,
  fault: FAULTS,
  expect: EXPECTATIONS,
  whatIf: ["batch-track", "batch-wbinvd", "no-clear", "parallel=4", "huge-leaves", "a,b"],
  maxRegression: ["2%", "seamcalls.total=0%", "x=1%"],
  shard: ["1/4", "4/4", "0/4", "5/4"],
  name: ["web", "db", "web-2"],
  id: ["0123456789abcdef", "1"],
  shell: ["bash", "zsh", "fish"],
};

/** Where a command line may write, and what it may read. */
export interface Places {
  /** A directory for what the options write. */
  readonly output: string;
  /** Files that there are, good and bad. */
  readonly inputs: readonly string[];
}

/**
 * A command line: mostly one that the grammar has, with values that are meant for the option, for
 * another, changed a little, or none of anything.
 */
export function randomArguments(
  forms: readonly CommandForm[],
  places: Places,
  chance: Chance,
): string[] {
  if (chance.is(0.03)) return anyWords(chance);
  const form = chance.pick(forms);
  const args: string[] = [...form.words];
  for (const argument of form.args) {
    const [name, choices] = [argument.name(), argument.argChoices ?? null];
    if (!argument.required && chance.is(0.5)) continue;
    for (let count = argument.variadic ? chance.integer(1, 3) : 1; count > 0; count--) {
      args.push(value(name, choices, places, chance));
    }
  }
  const takes = (name: string): boolean => form.options.some(({ long }) => long === name);
  // The default is 16 GiB, which takes its time.
  if (takes("--memory") && chance.is(0.8)) args.push("--memory", chance.pick(SIZES.slice(2, 7)));
  if (takes("--format") && chance.is(0.4)) args.push("-f", chance.pick(["json", "ndjson", "csv"]));
  for (let count = chance.integer(0, 5); count > 0; count--) {
    const option = chance.pick(form.options);
    const flag = chance.is(0.2) ? (option.short ?? option.long) : (option.long ?? option.short);
    if (flag === undefined) continue;
    if (!option.required && !option.optional) args.push(chance.is(0.03) ? `${flag}=x` : flag);
    else pushOption(args, flag, value(option.attributeName(), option.argChoices, places, chance));
    function pushOption(to: string[], name: string, text: string): void {
      if (chance.is(0.02)) to.push(name);
      else if (chance.is(0.3)) to.push(`${name}=${text}`);
      else to.push(name, text);
    }
  }
  if (chance.is(0.05)) args[chance.integer(0, args.length - 1)] = chance.pick(HOSTILE_TEXTS);
  // Millions of pages apart are a long wait, not an attack.
  if (args.some((text) => text.includes("alternate"))) args.push("--memory", "6M");
  // Nothing of a tester's stdin is wanted.
  return args.map((text) => (text === "-" ? "--" : text));
}

function anyWords(chance: Chance): string[] {
  return Array.from({ length: chance.integer(0, 6) }, () =>
    chance.is(0.5) ? chance.pick(HOSTILE_TEXTS) : chance.pick(["compare", "--memory", "list"]),
  ).map((text) => (text === "-" ? "--" : text));
}

function value(
  name: string,
  choices: readonly string[] | undefined | null,
  places: Places,
  chance: Chance,
): string {
  const meant = choices ?? VALUES[name] ?? filesFor(name, places, chance);
  if (chance.is(0.75)) return chance.pick(meant);
  if (chance.is(0.4)) return mutated(chance.pick(meant), chance);
  if (chance.is(0.6)) return chance.pick(HOSTILE_TEXTS);
  return chance.pick(VALUES[chance.pick(Object.keys(VALUES))] ?? meant);
}

function filesFor(name: string, { output, inputs }: Places, chance: Chance): readonly string[] {
  const file = `${output}/file-${chance.integer(1, 3)}`;
  if (name === "export") {
    const formats = ["json", "csv", "markdown", "svg", "html", "perfetto", "ndjson", "tap"];
    return [`${chance.pick(formats)}=${file}`, `json=${output}/none/x`, `csv=${output}`];
  }
  if (["out", "output", "resume", "store"].includes(name)) return [file, `${output}/dir`];
  return inputs;
}
