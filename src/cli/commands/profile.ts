import type { Command } from "commander";
import type { Profile } from "../../cost/profile.ts";
import { profileSha256 } from "../../cost/profile-checksum.ts";
import {
  type CheckedProfile,
  profileCheckDocument,
  profileDocument,
  profileListDocument,
} from "../../report/documents/profile.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, type Render, withOutputs } from "../outputs.ts";
import { loadProfile } from "../profile-option.ts";

type Options = GlobalOptions & OutputOptions;

export function define(command: Command, cli: Cli): void {
  describeCommand(command, "Cost profiles: what an estimated time is the sum of.", [
    "profile list",
    "profile show published-2025",
    "profile check ./my-host.json",
  ]);
  const list = command.command("list").summary("profiles that come with the program");
  describeCommand(list, "List the profiles that come with the program.", ["profile list"]);
  addOutputOptions(list, RECORD_FORMATS);
  list.action(() => deliver(cli, list.optsWithGlobals<Options>(), listProfiles));

  const show = command.command("show").summary("every number of a profile with its source");
  describeCommand(
    show,
    "Show every number of a profile: value, interval, unit, basis, source, conditions.\n" +
      "With --format json it is the profile itself, to begin one of your own with.",
    ["profile show published-2025", "profile show silicon-build-2025 --format json"],
  );
  show.argument("<name|file>", "a profile");
  addOutputOptions(show, RECORD_FORMATS);
  show.action((name: string) =>
    deliver(cli, show.optsWithGlobals<Options>(), async () => {
      const profile = await loadProfile(name);
      return profileDocument(profile, profileSha256(profile));
    }),
  );

  const check = command.command("check").summary("whether files are profiles");
  describeCommand(
    check,
    "Check profiles: every number needs value, interval, unit, basis, source and conditions.\n" +
      "Exits 65 when one is none.",
    ["profile check ./my-host.json"],
  );
  check.argument("<name|file...>", "profiles");
  addOutputOptions(check, RECORD_FORMATS);
  check.action((names: readonly string[]) =>
    checkProfiles(cli, names, check.optsWithGlobals<Options>()),
  );
}

async function deliver(cli: Cli, options: Options, make: () => Promise<Render>): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    await outputs.deliver(await make());
  });
}

async function listProfiles(): Promise<Render> {
  const { BUILT_IN_PROFILES, DEFAULT_PROFILE } = await import("../../cost/profiles/index.ts");
  return profileListDocument(
    [...BUILT_IN_PROFILES.values()].map((profile) => ({
      profile,
      sha256: profileSha256(profile),
      isDefault: profile === DEFAULT_PROFILE,
    })),
  );
}

async function checkProfiles(cli: Cli, names: readonly string[], options: Options): Promise<void> {
  const checked = await Promise.all(names.map(check));
  await deliver(cli, options, async () => profileCheckDocument(checked));
  const [first, ...others] = checked.filter(({ valid }) => !valid);
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new Failure("data", `${first.remarks[0] ?? first.profile}${more}`, {
    hint: "tdx-sim profile show published-2025 --format json is one to compare with",
  });
}

/** A file that cannot be read at all ends the command; one that is no profile is told of. */
async function check(name: string): Promise<CheckedProfile> {
  try {
    const profile = await loadProfile(name);
    const remarks = await oddities(profile);
    return {
      profile: name,
      name: profile.name,
      sha256: profileSha256(profile),
      valid: true,
      remarks,
    };
  } catch (error) {
    if (!(error instanceof Failure && error.kind === "data")) throw error;
    return { profile: name, name: null, sha256: null, valid: false, remarks: [error.message] };
  }
}

/** Leaves that no module has: their prices would never be charged. */
async function oddities({ terms }: Profile): Promise<string[]> {
  const { leafCoverage } = await import("../../lab/leaf-coverage.ts");
  const known = new Set(leafCoverage().leaves.map(({ leaf }) => leaf));
  return terms.flatMap(({ term, per }) => {
    const leaves = "leaf" in per ? [per.leaf] : "leaves" in per ? per.leaves : [];
    return leaves
      .filter((leaf) => !known.has(leaf))
      .map((leaf) => `the term "${term}" prices ${leaf}, which module 1.5.01 does not have.`);
  });
}
