import type { ConvertRequest, MemoryPart } from "../guest-life.ts";
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
