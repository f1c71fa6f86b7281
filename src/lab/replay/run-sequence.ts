import { EXIT_EXTERNAL_INTERRUPT, vpExit } from "../../module/guest.ts";
import { ACCEPT_LEAF, tdAccept } from "../../module/guest-accept.ts";
import { TdxModule } from "../../module/module.ts";
import { NotEmulated } from "../../module/not-emulated.ts";
import { RAX, Registers } from "../../module/registers.ts";
import type { Status } from "../../module/status.ts";
import { STATUS_CODES } from "../../module/status-codes.ts";
import { TD_PARAMS_BYTES } from "../../module/td-params.ts";
import { differingEndState } from "./end-state.ts";
import { refuse } from "./json-fields.ts";
import { type Difference, differingRegisters, type Mismatch, recordedStatus } from "./mismatch.ts";
import {
  type AcceptStep,
  type CallStep,
  ENTER_LEAF,
  ENTERED_GUEST,
  type RegisterValue,
  type Sequence,
  type Step,
  TD_EXIT,
  type WriteStep,
} from "./sequence.ts";

/** What happened in a step, for whoever watches a replay. */
export interface StepEvent {
  readonly sequence: Sequence;
  /** Index in `steps`. */
  readonly index: number;
  readonly step: Step;
  readonly module: TdxModule;
  /** Leaf and status reached; null where the step is no call. */
  readonly leaf: string | null;
  readonly status: string | null;
}

/** Called after every step; what it throws ends the replay. */
export type StepObserver = (event: StepEvent) => void;

/** ABI leaf name to status text to number of answers. */
export type Pairs = Map<string, Map<string, number>>;

export interface SequenceOutcome {
  /** Steps that were run, the one with the mismatch included. */
  readonly steps: number;
  readonly seamcalls: number;
  readonly mismatches: readonly Mismatch[];
}

/** Runs one sequence on a module of its own, up to the first step that differs. */
export class SequenceRun {
  readonly module: TdxModule;
  readonly #sequence: Sequence;
  readonly #pairs: Pairs;
  readonly #observer: StepObserver | undefined;
  readonly #registers = new Registers();
  /** Leaf and status that the last step reached. */
  #leaf: string | null = null;
  #status: string | null = null;
  #seamcalls = 0;

  constructor(sequence: Sequence, pairs: Pairs, observer?: StepObserver) {
    this.#sequence = sequence;
    this.#pairs = pairs;
    this.#observer = observer;
    this.module = new TdxModule(sequence.platform);
  }

  /** Throws a `data` Failure where a step cannot be: an LP in the guest makes no SEAMCALL. */
  run(): SequenceOutcome {
    const { id, steps, final } = this.#sequence;
    for (const [index, step] of steps.entries()) {
      this.#leaf = null;
      this.#status = null;
      const differences = this.#step(step, index);
      if (this.#leaf !== null && this.#status !== null) this.#countPair(this.#leaf, this.#status);
      this.#observer?.({
        sequence: this.#sequence,
        index,
        step,
        module: this.module,
        leaf: this.#leaf,
        status: this.#status,
      });
      if (differences !== null) {
        return this.#outcome(index + 1, this.#stepMismatches(differences, step, index));
      }
    }
    const differences = final === null ? [] : differingEndState(this.module, final);
    const place = { sequence: id, step: null, leaf: null };
    const statuses = { expectedStatus: null, actualStatus: null };
    return this.#outcome(
      steps.length,
      differences.map((difference) => ({ ...place, ...difference, ...statuses })),
    );
  }

  #outcome(steps: number, mismatches: readonly Mismatch[]): SequenceOutcome {
    return { steps, seamcalls: this.#seamcalls, mismatches };
  }

  #stepMismatches(differences: readonly Difference[], step: Step, index: number): Mismatch[] {
    const recorded = step.op === "host-write-td-params" ? [] : step.out;
    const given = "status" in step ? step.status : null;
    return differences.map((difference) => ({
      sequence: this.#sequence.id,
      step: index,
      leaf: this.#leaf,
      ...difference,
      expectedStatus: recordedStatus(given, recorded),
      actualStatus: this.#status,
    }));
  }

  #countPair(leaf: string, status: string): void {
    let statuses = this.#pairs.get(leaf);
    if (statuses === undefined) {
      statuses = new Map();
      this.#pairs.set(leaf, statuses);
    }
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }

  #step(step: Step, index: number): Difference[] | null {
    switch (step.op) {
      case "seamcall":
      case "vp-enter":
        return this.#call(step, index);
      case "vp-exit": {
        if (vpExit(this.module, step.lp) === null) this.#refuseHost(step.lp, index);
        this.#clearRegisters();
        this.#registers.low[RAX] = EXIT_EXTERNAL_INTERRUPT;
        this.#leaf = ENTER_LEAF;
        return this.#compare(step.out, "");
      }
      case "td-accept":
        return this.#accept(step, index);
      case "host-write-td-params":
        this.#write(step);
        return null;
    }
  }

  #call(step: CallStep, index: number): Difference[] | null {
    const { module: m } = this;
    const { lp, leaf } = step;
    if (m.guests[lp] !== null)
      this.#refuse(index, `LP ${lp} is in the guest, it makes no SEAMCALL`);
    this.#setRegisters(step.in);
    this.#leaf = leaf;
    this.#seamcalls++;
    let status: Status;
    try {
      status = m.seamcall(lp, this.#registers, 1, step.environment);
    } catch (error) {
      if (!(error instanceof NotEmulated)) throw error;
      const expected = recordedStatus(step.status, step.out) ?? "an answer";
      return [{ field: "emulation", expected, actual: error.message }];
    }
    if (m.guests[lp] !== null) return this.#entered(step);
    this.#status = status.text;
    this.#setRax(status);
    // A VP.ENTER that entered the guest has no RAX yet: its absence is what was recorded.
    if (step.op === "vp-enter" && !step.out.some(({ register }) => register === RAX)) {
      return [{ field: "status", expected: ENTERED_GUEST, actual: status.text }];
    }
    return this.#compare(step.out, "") ?? this.#compareStatus(step.status);
  }

  #entered(step: CallStep): Difference[] | null {
    this.#status = ENTERED_GUEST;
    if (step.out.length === 0) return this.#compareStatus(step.status);
    const expected = recordedStatus(step.status, step.out) ?? "no entry";
    return [{ field: "status", expected, actual: ENTERED_GUEST }];
  }

  #accept(step: AcceptStep, index: number): Difference[] | null {
    const { lp } = step;
    if (this.module.guests[lp] === null) this.#refuseHost(lp, index);
    this.#setRegisters(step.in);
    this.#leaf = ACCEPT_LEAF;
    const status = tdAccept(this.module, lp, this.#registers, 1);
    this.#status = status === null ? TD_EXIT : status.text;
    if ((status === null) !== (step.exit !== null)) {
      const expected = step.exit !== null ? TD_EXIT : recordedStatus(step.status, step.out);
      return [{ field: "status", expected: expected ?? "a status", actual: this.#status }];
    }
    if (status !== null) this.#setRax(status);
    const differences =
      step.exit === null ? this.#compare(step.out, "") : this.#compare(step.exit, "exit.");
    return differences ?? this.#compareStatus(step.status);
  }

  /** A structure may lie across two of the blocks that host memory is kept in. */
  #write({ pa, bytes }: WriteStep): void {
    const { hostMemory } = this.module;
    const offset = pa % TD_PARAMS_BYTES;
    const first = pa - offset;
    if (offset === 0) {
      hostMemory.write(first, bytes);
      return;
    }
    const span = new Uint8Array(2 * TD_PARAMS_BYTES);
    span.set(hostMemory.read(first));
    span.set(hostMemory.read(first + TD_PARAMS_BYTES), TD_PARAMS_BYTES);
    span.set(bytes, offset);
    hostMemory.write(first, span.slice(0, TD_PARAMS_BYTES));
    hostMemory.write(first + TD_PARAMS_BYTES, span.slice(TD_PARAMS_BYTES));
  }

  #setRegisters(values: readonly RegisterValue[]): void {
    this.#clearRegisters();
    for (const { register, low, high } of values) {
      this.#registers.low[register] = low;
      this.#registers.setHigh(register, high);
    }
  }

  #clearRegisters(): void {
    this.#registers.low.fill(0);
    this.#registers.wide = 0;
  }

  /** Handlers leave RAX to the status they return. */
  #setRax({ name, details }: Status): void {
    const code = STATUS_CODES[name];
    this.#registers.setHigh(RAX, Math.floor(code / 2 ** 20));
    this.#registers.low[RAX] = (code % 2 ** 20) * 2 ** 32 + details;
  }

  #compare(recorded: readonly RegisterValue[], prefix: string): Difference[] | null {
    return differingRegisters(recorded, this.#registers, prefix);
  }

  #compareStatus(recorded: string | null): Difference[] | null {
    if (recorded === null || recorded === this.#status) return null;
    return [{ field: "status", expected: recorded, actual: this.#status ?? "none" }];
  }

  #refuseHost(lp: number, index: number): never {
    return this.#refuse(index, `LP ${lp} is not in the guest`);
  }

  #refuse(index: number, problem: string): never {
    return refuse(`${this.#sequence.id}: steps[${index}]`, problem);
  }
}
