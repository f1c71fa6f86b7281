import { PLATFORMS } from "../lab/platforms.ts";
import { WHAT_IFS } from "../lab/what-if.ts";
import { wrapText } from "../report/layout.ts";
import { DRAWING_NAMES, drawingNamed, FORMAT_NAMES, formatNamed } from "../report/render.ts";
import { formatCounted } from "../units/count.ts";
import { formatSize } from "../units/size.ts";
import { tdShapes } from "./td-shapes.ts";

/** What `help TOPIC` prints, or what makes it. */
export const HELP_TOPICS: Readonly<Record<string, string | (() => string | Promise<string>)>> = {
  "exit-codes": `Exit codes of tdx-sim

    0  done
    1  an expectation, threshold, baseline or replay failed
   64  wrong usage
   65  bad data: a damaged store, a malformed file
   66  no such input or TD
   69  the simulated kernel refused; errno, SEAMCALL and status are told
   70  a bug of tdx-sim
   73  an output cannot be created
   74  input or output failed
   75  the store is locked, try again
   78  bad configuration
  130  ended by SIGINT
  143  ended by SIGTERM

  run goes on after a scenario that comes to no result, which the reports tell. Its code, the
  first if there are several, comes before 1.
`,
  environment: `Environment variables of tdx-sim

  TDX_SIM_STORE    directory of the store; --store comes before it
  XDG_STATE_HOME   the store is its subdirectory tdx-sim otherwise (else ~/.local/state)
  NO_COLOR         no colour, when it is not empty
  FORCE_COLOR      colour: 0 none, 1 basic, 2 of 256, 3 of 16 million
  CLICOLOR_FORCE   colour also where there is no terminal
  TERM             dumb: neither colour nor progress bar
  TDX_SIM_DEBUG    1: errors come with their stack
  GITHUB_STEP_SUMMARY  where --format github adds its Markdown

  Colour is decided for each stream by the first of these that speaks: --color and
  --no-color, NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM, whether it is a terminal.
`,
  formats: formatsTopic,
  expectations: `Expectations of tdx-sim, in scenarios and as --expect

  hint.seamcalls.total < runtime.seamcalls.total / 3.9
  hint.seamcalls.byLeaf["TDH.MEM.TRACK"] == 0
  runtime.elapsedNs.high < 120s
  hint@v16.end.pagesLeaked == 0

  One comparison (< <= > >= == !=) of two sums. A path begins with a strategy, with @ and a
  kernel generation where several were run; then come the keys of the strategy's entry in the
  JSON result. A key that is no name stands in brackets: phases["reclaim-sept"]. A leaf or
  status that did not occur counts 0. milestones.hkidFree is when the release ended; whether the
  HKID came back, end.hkidFree tells. comparison.seamcallRatio and comparison.elapsedRatio
  compare with runtime.

  Numbers may carry a unit: ns us ms s min h, K M G T (binary), %. Times are nanoseconds.
  + - * / and brackets calculate; true, false and "texts" can be equal or not.

  One that fails shows both sides with their values, and the exit code is 1. In a scenario
  level: warn only tells. With --baseline FILE every count and estimate may grow by
  --max-regression, 0% unless it is given: 2%, or seamcalls.total=0%.
`,
  scenario: `Scenario files of tdx-sim: YAML or JSON, schema tdx-sim/scenario/v1

  schema: tdx-sim/scenario/v1
  name: guard                       # lower case, digits, . _ and -
  kernel: [v16, v6.16]              # one or several; default v16
  platform: two-socket              # name, file beside the scenario, or the platform itself
  profile: published-2025           # the same
  seed: 1
  step: false
  td:                               # as the TD options
    shape: published-4x18
    memory: 16G
    vcpus: 4                        # populated packages lps pageSize initialImage layout
  steps:                            # default: create, populate
    - do: create                    # td: NAME, count: N, TD options
    - { do: populate, size: 8G }    # finalize: false
    - { do: run, vcpus: 2 }         # they stay in the guest
    - { do: convert, at: 1G, size: 512M, to: shared }
    - { do: punch, at: 2G, size: 1G }
    - { do: create, td: late, refused: ENOSPC }
    - { do: destroy, strategy: hint }
  strategies: [runtime, hint]       # on copies of the TD; default all of the kernel
  faults: ["TDH.MEM.TRACK:OPERAND_BUSY@k=3"]
  whatIf: [batch-track]
  expect:
    - hint.end.pagesLeaked == 0
    - { that: hint.elapsedNs.high < 30s, level: warn }

  baseline: base.json               # an earlier JSON result beside the scenario
  maxRegression: [2%, seamcalls=0%]

  refused says with which errno the kernel is to refuse the step. tdx-sim schema scenario
  prints the JSON Schema, for editors.
`,
  "td-shapes": tdShapesTopic,
  platforms: platformsTopic,
  "what-ifs": whatIfsTopic,
};

/** The text of a topic; undefined where there is none of the name. */
export async function helpTopic(name: string): Promise<string | undefined> {
  const topic = Object.hasOwn(HELP_TOPICS, name) ? HELP_TOPICS[name] : undefined;
  return typeof topic === "function" ? topic() : topic;
}

function tdShapesTopic(): string {
  const shapes = tdShapes().map(({ name, vcpus, memoryBytes, packages }) => {
    const host = packages === 1 ? [] : [formatCounted(packages, "package")];
    const facts = [formatCounted(vcpus, "vCPU"), formatSize(memoryBytes), ...host];
    return `  ${name.padEnd(22)}  ${facts.join(", ")}`;
  });
  return `TD shapes of tdx-sim, for --td: the published TDs and sizes that clouds sell

${shapes.join("\n")}

  fixtures/tds.json of the package has the source of each, and what was measured. Options beside
  --td come before it: --td azure-dc16es-v5 --memory 32G.
`;
}

function platformsTopic(): string {
  const platforms = [...PLATFORMS.values()].map(
    ({ name, description }) => `  ${name.padEnd(13)}  ${description}`,
  );
  return `Platforms of tdx-sim, for --platform: the host

${platforms.join("\n")}

  What a platform leaves open is as large as the TD needs. A file with one of your own is taken too:
  tdx-sim schema platform prints its JSON Schema.
`;
}

function whatIfsTopic(): string {
  const ideas = Object.entries(WHAT_IFS).flatMap(([name, { idea, reliesOn }]) => [
    `  ${name === "parallel" ? "parallel=N" : name}`,
    ...wrapText(`${idea}.`, 94, "    "),
    ...wrapText(`Relies on this: ${reliesOn}.`, 94, "    "),
  ]);
  return `What-ifs of tdx-sim, for --what-if: ideas that no kernel has

${ideas.join("\n")}

  Counts are those of the emulated module; times are extrapolated, because nobody timed any of it.
`;
}

async function formatsTopic(): Promise<string> {
  const formats = await Promise.all(
    FORMAT_NAMES.map(async (name) => line(name, (await formatNamed(name)).about)),
  );
  const drawings = await Promise.all(
    DRAWING_NAMES.map(async (name) => line(name, (await drawingNamed(name)).about)),
  );
  return `Output formats of tdx-sim, for --format and --export FORMAT=FILE

${formats.join("\n")}

  Drawings of one run, for --export only (trace: --format):

${drawings.join("\n")}

  Which of them a command has, its --help tells. tdx-sim schema prints their JSON Schemas.
  The same input gives the same bytes. Times are estimates and always ranges.
`;
}

function line(name: string, about: string): string {
  return `  ${name.padEnd(9)}  ${about}`;
}
