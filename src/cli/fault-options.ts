/** `--fault` and `--fault-any`: SEAMCALLs that are to fail. */
import type { Command } from "commander";
import type { RunControl } from "../lab/drive.ts";
import { parseFault } from "../lab/faults/fault-plan.ts";
import { listed } from "./parsed-option.ts";

export interface FaultOptions {
  readonly fault?: readonly string[];
  readonly faultAny?: boolean;
}

export function addFaultOptions(command: Command): void {
  command.optionsGroup("Fault options:");
  command.option(
    "--fault <leaf:status@where>",
    "make SEAMCALLs fail: TDH.MEM.TRACK:OPERAND_BUSY@k=3, also :p=0.01, :from=5,times=3, " +
      "@page=0x1000; * is any leaf; may be repeated",
    listed,
  );
  command.option("--fault-any", "take statuses too that the leaf cannot answer");
}

/**
 * The faults of a run; nothing when none were asked for.
 *
 * @throws Failure `usage`
 */
export function faultsOf(options: FaultOptions, seed: number): Pick<RunControl, "faults"> {
  const { fault = [], faultAny = false } = options;
  if (fault.length === 0) return {};
  return { faults: { plans: fault.map((text) => parseFault(text, faultAny)), seed } };
}
