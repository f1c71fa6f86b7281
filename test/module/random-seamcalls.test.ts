import { describe, expect, test } from "vitest";
import { vpExit } from "../../src/module/guest.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { effectsOfFailure, statusesOf, withoutDetails } from "../../src/module/leaf-statuses.ts";
import { EMULATED, NOT_EMULATED } from "../../src/module/leaf-table.ts";
import { TdxModule } from "../../src/module/module.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { moduleToJSON } from "../../src/module/snapshot.ts";
import { Chance } from "../model/chance.ts";
import { populatedHost } from "../support/faulted-teardown.ts";
import { testPlatform } from "../support/module.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/module/random-seamcalls.test.ts";
/** Known to the module and named by the emulator as what it lacks: answered with a refusal of ours. */
const LACKING = new Set(NOT_EMULATED.map(({ number }) => number));
const OPERANDS = [RCX, RDX, R8, R9];
const NAMES = new Map(EMULATED.map(({ name, number }) => [number, name]));
/** A state is compared and judged around one call in so many. */
const LOOKS = 25;

/** As Intel's fuzz of 2019: mostly leaf numbers below 64, at times with a version, at times wild. */
function randomRax(chance: Chance): bigint {
  const leaf = BigInt(chance.integer(0, 63));
  if (chance.is(0.9)) return leaf;
  return chance.is(0.5) ? leaf | (BigInt(chance.integer(0, 3)) << 16n) : wild(chance);
}

function wild(chance: Chance): bigint {
  const bits =
    (BigInt(chance.integer(0, 2 ** 32 - 1)) << 32n) | BigInt(chance.integer(0, 2 ** 32 - 1));
  return bits >> BigInt(chance.integer(0, 63));
}

function operand(chance: Chance, pages: readonly number[]): bigint {
  if (chance.is(0.15)) return wild(chance);
  const page = chance.is(0.2) ? chance.integer(0, 600) : chance.pick(pages);
  return BigInt(page) * 4096n + (chance.is(0.3) ? BigInt(chance.integer(0, 7)) : 0n);
}

/** The state but for what a failed call of this leaf may change. */
function state(m: TdxModule, ignored: readonly string[]): string {
  return JSON.stringify(moduleToJSON(m), (key, value) => (ignored.includes(key) ? 0 : value));
}

interface Fuzzed {
  readonly calls: number;
  readonly succeeded: ReadonlySet<string>;
}

/** What a SEAMCALL of this RAX may answer. */
const answersOf = new Map<string | undefined, ReadonlySet<string>>(
  EMULATED.map(({ name }) => [name, new Set(statusesOf(name))]),
).set(undefined, new Set(["TDX_OPERAND_INVALID|RAX"]));

/** Random SEAMCALLs; throws at the first answer that is none, or that changes what it must not. */
function fuzz(m: TdxModule, pages: readonly number[], calls: number, chance: Chance): Fuzzed {
  const r = new Registers();
  const succeeded = new Set<string>();
  for (let call = 0; call < calls; call++) {
    const rax = randomRax(chance);
    if (LACKING.has(Number(rax & 0xffffn)) && rax < 2n ** 24n) continue;
    const isLooked = call % LOOKS === 0;
    const given = [rax, ...OPERANDS.map(() => operand(chance, pages))];
    for (const [i, register] of [RAX, ...OPERANDS].entries()) r.set(register, given[i] as bigint);
    const name = NAMES.get(Number(rax & 0xffffn));
    const lp = chance.integer(0, 1);
    // An LP that is in the guest comes back before it calls the module.
    vpExit(m, lp);
    const before = isLooked ? moduleToJSON(m) : null;
    const status = m.seamcall(lp, r, 1);
    const about = () =>
      `call ${call}: ${given.map((each) => each.toString(16))} -> ${status.text}; ` +
      replay(FILE, testSeed());
    const answer = withoutDetails(status.text);
    if (answersOf.get(name)?.has(answer) !== true) throw new Error(`unlisted: ${about()}`);
    if (answer === "TDX_SUCCESS") succeeded.add(name ?? "?");
    if (before === null) continue;
    expect(checkInvariants(m), about()).toEqual([]);
    if (answer === "TDX_SUCCESS") continue;
    const ignored = effectsOfFailure(name ?? "", answer);
    const was = JSON.stringify(before, (key, value) =>
      ignored.includes(key as never) ? 0 : value,
    );
    if (state(m, ignored) !== was) throw new Error(`changed the state: ${about()}`);
  }
  tally("E6", calls, "random SEAMCALLs");
  return { calls, succeeded };
}

describe("random SEAMCALLs", () => {
  test(
    "on a blank platform are answered, and nothing is built by chance",
    () => {
      const seed = testSeed();
      const platform = testPlatform();
      const first = (platform.tdmrs[0]?.base ?? 0) / 4096;
      const pages = Array.from({ length: 8 }, (_, i) => first + i);
      const { succeeded } = fuzz(
        new TdxModule(platform),
        pages,
        runs(70_000, 5_000_000),
        new Chance(seed),
      );
      // CREATE needs a free page and an HKID, which chance finds; what follows a TD needs more.
      const harmless = ["TDH.MNG.CREATE", "TDH.PHYMEM.PAGE.RDMD", "TDH.PHYMEM.PAGE.WBINVD"];
      const others = [...succeeded].filter((name) => !harmless.includes(name));
      expect(
        others.filter((name) => name.startsWith("TDH.MEM.")),
        replay(FILE, seed),
      ).toEqual([]);
    },
    PATIENCE,
  );

  test(
    "on a platform with a live TD are answered, and keep the invariants",
    async () => {
      const seed = testSeed();
      const host = await populatedHost({ memoryBytes: 64 * 4096, vcpus: 2 });
      const { module } = host;
      const pages = [...module.tds.keys(), ...module.vcpus.keys()];
      const [tdr = 0] = pages;
      for (let i = 0; i < 12; i++) pages.push(tdr + i, tdr + 30 + i);
      const { succeeded } = fuzz(module, pages, runs(30_000, 5_000_000), new Chance(seed));
      expect([...succeeded], replay(FILE, seed)).toContain("TDH.PHYMEM.PAGE.RDMD");
    },
    PATIENCE,
  );
});
