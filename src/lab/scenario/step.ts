import type { ConvertRequest, MemoryPart } from "../guest-life.ts";
import { generation } from "../kernels.ts";
import type { TdOptions } from "../td-options.ts";

/** The TD that a step without `td` is about, and that is torn down at the end. */
export const MAIN_TD = "td";

interface About {
  /** Name of the TD. */
  readonly td: string;
  /** errno with which the kernel is to refuse the step; null where it is to work. */
  readonly refused: string | null;
}

/** A step with its sizes in bytes. */
export type Step = About &
  (
    | {
        readonly do: "create";
        /** So many TDs, named after `td`; null is one of that name. */
        readonly count: number | null;
        readonly options: TdOptions;
      }
    | {
        readonly do: "populate";
        /** Null is what the TD was made for. */
        readonly bytes: number | null;
        readonly finalize: boolean;
      }
    /** Null is every vCPU. */
    | { readonly do: "run"; readonly vcpus: number | null }
    | ({ readonly do: "convert" } & ConvertRequest)
    | ({ readonly do: "punch" } & MemoryPart)
    | { readonly do: "destroy"; readonly strategy: string }
  );

/**
 * Strategies by which a kernel is to tear down: all of its own unless named. Among several kernels
 * one may lack a strategy that another has.
 */
export function strategiesOn(
  kernel: string,
  kernels: readonly string[],
  named: readonly string[] | null,
): string[] {
  const ownOf = (name: string): string[] => generation(name).strategies.map((each) => each.name);
  const own = ownOf(kernel);
  if (named === null) return own;
  const others = kernels.filter((name) => name !== kernel).flatMap(ownOf);
  return named.filter((strategy) => own.includes(strategy) || !others.includes(strategy));
}
