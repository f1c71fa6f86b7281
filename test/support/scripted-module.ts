import { type BodyStep, takes } from "../../src/kvm/body.ts";
import { BodyProgress } from "../../src/kvm/body-progress.ts";
import { type PortOptions, SeamcallPort } from "../../src/kvm/seamcall-port.ts";
import type { Leaf } from "../../src/module/leaf.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { RAX, RCX, type Registers } from "../../src/module/registers.ts";
import { type Status, SUCCESS } from "../../src/module/status.ts";

const PAGE = 4096;

/** A SEAMCALL that arrived: leaf number, operands, and for how many iterations at once. */
export interface Arrival {
  readonly leaf: number;
  readonly lp: number;
  readonly rcx: number;
  readonly count: number;
}

/** A leaf with a number and, where `reach` is given, how many calls of `most` it finds uniform. */
export function testLeaf(number: number, reach?: (rcx: number, most: number) => number): Leaf {
  return {
    name: `LEAF.${number}`,
    number,
    maxVersion: 0,
    refusals: () => ({ statuses: [] }),
    run: () => SUCCESS,
    ...(reach && { reach: (_, r: Registers, most: number) => reach(r.low[RCX] as number, most) }),
  };
}

/** All calls are uniform. */
export const uniformLeaf = (number: number): Leaf => testLeaf(number, (_, most) => most);

/** A port to a module that answers as it is told, and what both saw. */
export class ScriptedModule {
  readonly calls: Arrival[] = [];
  /** What the observer was told: `leaf status count` and `work count`, one after the other. */
  readonly told: string[] = [];
  readonly port: SeamcallPort;

  /** @param answer by the number of the call, from 1 on; a span counts as one */
  constructor(answer: (call: number, arrival: Arrival) => Status, options: PortOptions = {}) {
    const { calls, told } = this;
    const module = {
      seamcall(lp: number, r: Registers, count: number): Status {
        const arrival = { leaf: Number(r.get(RAX)), lp, rcx: Number(r.get(RCX)), count };
        calls.push(arrival);
        return answer(calls.length, arrival);
      },
    };
    const observer = {
      phase() {},
      seamcalls(leaf: number, _name: string, status: string, count: number) {
        told.push(`${leaf} ${status} ${count}`);
      },
      hostWork(kind: string, count: number) {
        told.push(`${kind} ${count}`);
      },
    };
    this.port = new SeamcallPort(module as unknown as TdxModule, observer, options);
  }

  /** Runs a body to its end; how far it came. */
  run(body: readonly BodyStep[], count: number, progress = new BodyProgress()): BodyProgress {
    for (const _ of this.port.run(body, count, progress));
    return progress;
  }

  /** SEAMCALLs made between two turns of the driver, the last stretch among them. */
  turns(body: readonly BodyStep[], count: number, progress = new BodyProgress()): number[] {
    const turns: number[] = [];
    let before = 0;
    const made = (): number => this.calls.reduce((sum, call) => sum + call.count, 0);
    for (const _ of this.port.run(body, count, progress)) {
      turns.push(made() - before);
      before = made();
    }
    turns.push(made() - before);
    return turns;
  }
}

export const succeeding = (): Status => SUCCESS;

/** One call an iteration on consecutive pages. */
export const onPages = (leaf = testLeaf(5)) => takes({ leaf, lp: 0, rcxStride: PAGE });

/** Answers `status` to these calls, success to the others. */
export const failingAt =
  (status: Status, ...numbers: readonly number[]) =>
  (call: number): Status =>
    numbers.includes(call) ? status : SUCCESS;
