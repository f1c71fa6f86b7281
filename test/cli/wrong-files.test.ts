import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const HEAD = "schema: tdx-sim/scenario/v1\nname: x\n";
const LAUGHS = `a: &a [l,l,l,l,l,l,l,l,l]\n${"bcdefghij"
  .split("")
  .map((key, i) => `${key}: &${key} [${`*${"abcdefghi"[i]},`.repeat(9)}]`)
  .join("\n")}\n`;

/** Files by name; the tests run in their directory. */
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "empty.yaml": "",
  "text.yaml": "hello\n",
  "list.yaml": "- 1\n",
  "tab.yaml": "td:\n\tmemory: 1G\n",
  "open.json": '{"schema": ',
  "bytes.yaml": new Uint8Array([0xff, 0xfe, 0x00]),
  "twice.yaml": `${HEAD}name: y\n`,
  "laughs.yaml": LAUGHS,
  "deep.yaml": "[".repeat(20_000),
  "tag.yaml": `${HEAD}td: !!js/function x\n`,
  "anchor.yaml": `${HEAD}td: *nothing\n`,
  "version.yaml": "schema: tdx-sim/scenario/v2\nname: x\n",
  "nameless.yaml": "schema: tdx-sim/scenario/v1\n",
  "key.yaml": `${HEAD}expct: []\n`,
  "size.yaml": `${HEAD}td: { memory: 16GB }\n`,
  "odd.yaml": `${HEAD}td: { memory: 5000 }\n`,
  "vcpus.yaml": `${HEAD}td: { vcpus: 0 }\n`,
  "pages.yaml": `${HEAD}td: { pageSize: 1G }\n`,
  "kernel.yaml": `${HEAD}kernel: v6.61\n`,
  "strategy.yaml": `${HEAD}strategies: [hints]\n`,
  "step.yaml": `${HEAD}steps: [{ do: creat }]\n`,
  "errno.yaml": `${HEAD}steps: [{ do: create, refused: no }]\n`,
  "profile.yaml": `${HEAD}profile: ./none.json\n`,
  "platform.yaml": `${HEAD}platform: hkids-64\n`,
  "shape.yaml": `${HEAD}td: { shape: published-4x19 }\n`,
  "fault.yaml": `${HEAD}faults: ["TDH.MEM.TRAK:OPERAND_BUSY@k=1"]\n`,
  "idea.yaml": `${HEAD}whatIf: [magic]\n`,
  "expect.yaml": `${HEAD}expect: ["hint.end.pagesLeaked = 0"]\n`,
  "level.yaml": `${HEAD}expect: [{ that: "1 < 2", level: fatal }]\n`,
  "good.yaml": `${HEAD}td: { memory: 64M }\n`,
  "notjson.json": "{",
  "noresult.json": '{"schema":"tdx-sim/result/v1"}',
};

type WrongUse = readonly [args: string, code: number, said: RegExp];

const WRONG: readonly WrongUse[] = [
  ["run", 64, /missing required argument/],
  ["run none.yaml", 66, /no file none\.yaml \(ENOENT\)/],
  ["run directory", 74, /directory/],
  ["run good.yaml/below", 74, /ENOTDIR/],
  ["run huge.yaml", 65, /too large for a scenario/],
  ["run empty.yaml", 65, /empty\.yaml:1:1: /],
  ["run text.yaml", 65, /text\.yaml:1:1: /],
  ["run list.yaml", 65, /list\.yaml:1:1: /],
  ["run tab.yaml", 65, /tab\.yaml:2:1: /],
  ["run /dev/null", 65, /\/dev\/null:1:1: /],
  ["run /dev/zero", 65, /too large for a scenario/],
  ["run /proc/self/mem", 74, /EIO/],
  ["run open.json", 65, /open\.json:1:\d+: /],
  ["run bytes.yaml", 65, /not UTF-8/],
  ["run twice.yaml", 65, /twice\.yaml:3:1: Map keys must be unique/],
  ["run laughs.yaml", 65, /through aliases/],
  ["run deep.yaml", 65, /nested too deep|deep\.yaml:/],
  ["run tag.yaml", 65, /tag\.yaml:3:5: /],
  ["run anchor.yaml", 65, /missing anchor|anchor\.yaml:3/],
  ["run version.yaml", 65, /version\.yaml:1:9: schema: .* is none of tdx-sim\/scenario\/v1/],
  ["run nameless.yaml", 65, /name is missing/],
  ["run key.yaml", 65, /key\.yaml:3:1: expct: there is no key "expct".*\n.*mean expect\?/],
  ["run size.yaml", 65, /size\.yaml:3:15: td\.memory: "16GB" is not a size.*\n.*binary/],
  ["run odd.yaml", 65, /not a multiple of 4K/],
  ["run vcpus.yaml", 65, /vcpus\.yaml:3:14: td\.vcpus: expected >=1/],
  ["run pages.yaml", 65, /td\.pageSize: "1G" is none of 4K, 2M/],
  ["run kernel.yaml", 65, /no kernel generation "v6\.61".*\n.*mean v6\.16\?/],
  ["run strategy.yaml", 65, /strategies\[0\]: there is no strategy "hints".*\n.*mean hint\?/],
  ["run step.yaml", 65, /steps\[0\]\.do: "creat" is none of .*\n.*mean create\?/],
  ["run errno.yaml", 65, /steps\[0\]\.refused: .*is not an errno name/],
  ["run profile.yaml", 65, /profile: there is no file/],
  ["run platform.yaml", 65, /platform: there is no platform "hkids-64".*\n.*hkids-63/],
  ["run shape.yaml", 65, /td\.shape: there is no TD shape.*\n.*published-4x18/],
  ["run fault.yaml", 65, /faults\[0\]: .*TDH\.MEM\.TRAK/],
  ["run idea.yaml", 65, /whatIf: .*magic/],
  ["run expect.yaml", 65, /expect\[0\]: expectation .*== is/],
  ["run level.yaml", 65, /expect\[0\]\.level: "fatal" is none of warn, error/],
  ["run good.yaml --expect x", 64, /column 2: a comparison is missing/],
  ["run good.yaml --format xml", 64, /allowed choices/],
  ["run good.yaml --export junit=no/such/file", 73, /ENOENT/],
  ["run good.yaml --export json=/dev/full", 74, /cannot write to \/dev\/full.*\(ENOSPC\)/],
  ["run good.yaml --export json=/dev/null/x", 73, /ENOTDIR/],
  ["run good.yaml --out taken", 73, /taken\/config\.json: it is a directory/],
  ["run good.yaml --out good.yaml", 73, /good\.yaml/],
  ["run good.yaml --out /proc/x/y", 73, /\/proc\/x/],
  ["run good.yaml good.yaml --out o", 64, /two scenarios are called x/],
  ["run good.yaml --baseline none.json", 66, /no file none\.json/],
  ["run good.yaml --baseline notjson.json", 65, /notjson\.json is not JSON/],
  ["run good.yaml --baseline noresult.json", 65, /not a result of tdx-sim/],
  ["run good.yaml --max-regression 2%", 64, /there is no --baseline/],
  ["compare --memory 1G --max-regression lots", 64, /is not a percentage/],
  ["compare --memory 1G --max-regression seamcals=1%", 64, /no metric "seamcals"/],
  ["sweep --memory 1G..x", 64, /"x" is not a size/],
  ["sweep --memory 4G..1G", 64, /not a range that grows/],
  ["sweep --vcpus 1,1", 64, /names a value twice/],
  ["sweep --vcpus 1..4:x1", 64, /not a range that grows/],
  ["sweep --vcpus 1..60000 --packages 1..20", 64, /more than 1000000/],
  ["sweep --vcpus 1..1000000 --packages 1..8", 64, /too many values/],
  ["sweep --vcpus 0..3", 64, /vCPUs/],
  ["sweep --memory 1G,2G --populated 2G", 64, /larger than the memory/],
  ["sweep --page-size 4K,", 64, /empty value/],
  ["sweep --layout scattered", 64, /no layout "scattered"/],
  ["sweep --shard 5/4", 64, /is not a shard/],
  ["sweep --strategy nosuch", 64, /no strategy "nosuch"/],
  ["sweep --kernel v6.16 --strategy hint", 69, /has no strategy "hint"/],
  ["sweep --resume good.yaml", 65, /good\.yaml:1 is not a row/],
  ["sweep --resume no/such/file", 73, /ENOENT/],
  ["sweep --resume r.ndjson --format csv", 64, /nothing to stdout/],
  ["sweep --baseline notjson.json", 65, /notjson\.json has no rows of a sweep/],
  ["sweep --baseline noresult.json", 65, /noresult\.json has no rows of a sweep/],
  ["sweep --resume r.ndjson --export junit=x", 64, /junit tells of every point/],
  ["sweep --export html=x.html", 64, /no format "html"/],
  ["schema nosuch", 64, /no schema "nosuch"/],
  ["completion tcsh", 64, /allowed choices are bash, zsh, fish/],
];

describe("wrong files and flags", () => {
  let cwd = "";
  beforeAll(() => {
    cwd = temporaryDirectory();
    mkdirSync(join(cwd, "directory"));
    mkdirSync(join(cwd, "taken/config.json"), { recursive: true });
    for (const [name, content] of Object.entries(FILES)) writeFileSync(join(cwd, name), content);
    const huge = openSync(join(cwd, "huge.yaml"), "w");
    ftruncateSync(huge, 100 * 1024 * 1024);
    closeSync(huge);
  });

  test("are at least fifty", () => {
    expect(WRONG.length).toBeGreaterThanOrEqual(50);
  });

  // Processor time, which a busy machine does not stretch as it does the time on the wall: beyond
  // a second the kernel ends the program.
  test.each(WRONG)(
    "%s exits %i with one reason, in less than a second",
    async (args, code, said) => {
      const result = await runCli(args.split(" "), { cwd, cpuSeconds: 1 });
      expect(result).toMatchObject({ code, signal: null, stdout: "" });
      expect(result.stderr).toMatch(said);
      expect(result.stderr).toMatch(/^tdx-sim: .+\n(hint: .+\n)?$/);
    },
  );

  test("wait for nothing", async () => {
    // The least of several: the machine may be busy with other things.
    const times: number[] = [];
    for (let i = 0; i < 20 && !times.some((ms) => ms < 1000); i++) {
      const begun = performance.now();
      await runCli(["run", "huge.yaml"], { cwd });
      times.push(performance.now() - begun);
    }
    expect(Math.min(...times)).toBeLessThan(1000);
  });
});
