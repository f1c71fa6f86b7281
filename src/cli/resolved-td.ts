import { platformFor } from "../lab/platform.ts";
import { resolveTdOptions, type TdOptions } from "../lab/td-options.ts";
import { formatSize } from "../units/size.ts";
import type { Cli } from "./invocation.ts";
import type { FreshTd } from "./td-target.ts";

/** The new TD of a teardown. CONTRACT: the default one is taken "and say so on stderr". */
export function freshTd(cli: Cli, { options, source }: FreshTd): TdOptions {
  if (source === "default") {
    cli.console.note("note: the store holds no live TD; taking the default one");
  }
  return resolvedTd(cli, options);
}

/** Fills in the defaults of a TD that is about to be made, and tells them with `--verbose`. */
export function resolvedTd(cli: Cli, given: Partial<TdOptions>): TdOptions {
  const td = resolveTdOptions(given);
  const { lpToPackage, hkids } = platformFor(td);
  cli.console.detail(
    `TD: ${formatSize(td.memoryBytes)}, ${formatSize(td.populatedBytes)} populated, ` +
      `${td.vcpus} vCPUs, pages of ${td.pageSize}, layout ${td.layout}, ` +
      `initial image ${formatSize(td.initialImageBytes)}, kernel ${td.kernel}`,
  );
  cli.console.detail(
    `host: ${td.platform?.name ?? "as needed"}, ${td.packages} packages, ` +
      `${lpToPackage.length} LPs, ${hkids.count - 1} HKIDs for TDs`,
  );
  return td;
}
