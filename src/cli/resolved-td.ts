import { platformFor } from "../lab/platform.ts";
import { resolveTdOptions, type TdOptions } from "../lab/td-options.ts";
import { formatSize } from "../units/size.ts";
import type { Cli } from "./invocation.ts";

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
