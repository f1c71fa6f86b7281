import { runVcpu } from "../../kvm/vcpu.ts";
import { Failure } from "../../units/failure.ts";
import { convertTd, punchTd } from "../guest-life.ts";
import { createTd, populateTd, requireTd } from "../lifecycle.ts";
import type { ExpectationResult, Result } from "../result.ts";
import type { SimulatedHost } from "../simulated-host.ts";
import { destroyTd, type Session } from "../teardown.ts";
import type { Step } from "./step.ts";

/** What became of a step. */
export interface StepOutcome {
  /** The teardown, for a TD that was destroyed. */
  readonly result?: Result;
  /** For a step that the kernel was to refuse. */
  readonly expectation?: ExpectationResult;
}

/**
 * One step of a TD's life.
 *
 * @param index place of the step in the scenario, for messages
 * @throws Failure `refused` when the kernel refuses what the scenario does not say it should
 */
export async function takeStep(
  host: SimulatedHost,
  step: Step,
  index: number,
  session: Session,
): Promise<StepOutcome> {
  const title = `steps[${index}] (${step.do} ${step.td})`;
  try {
    const result = await execute(host, step, session);
    if (step.refused === null) return result === null ? {} : { result };
    return { expectation: refusal(title, step.refused, "nothing") };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (step.refused !== null && error.refusal !== undefined) {
      return { expectation: refusal(title, step.refused, error.refusal.errno) };
    }
    throw error.about(title);
  }
}

function refusal(title: string, wanted: string, errno: string): ExpectationResult {
  return {
    kind: "expectation",
    expectation: `${title} is refused with ${wanted}`,
    level: "error",
    passed: errno === wanted,
    left: errno,
    right: wanted,
    detail: errno === "nothing" ? "it was not refused" : `it was refused with ${errno}`,
  };
}

async function execute(host: SimulatedHost, step: Step, session: Session): Promise<Result | null> {
  switch (step.do) {
    case "create": {
      const { td, count, options } = step;
      const names =
        count === null ? [td] : Array.from({ length: count }, (_, i) => `${td}-${i + 1}`);
      for (const name of names) await createTd(host, name, options, session);
      return null;
    }
    case "populate": {
      const { finalize, bytes } = step;
      await populateTd(host, step.td, { finalize, bytes: bytes ?? undefined }, session);
      return null;
    }
    case "run":
      enterGuest(host, step.td, step.vcpus, session.step);
      return null;
    case "convert":
      await convertTd(host, step.td, step, session);
      return null;
    case "punch":
      await punchTd(host, step.td, step, session);
      return null;
    case "destroy":
      return destroyTd(host, step.td, { strategy: step.strategy }, session);
  }
}

/** Lets vCPUs into the guest, where they are when the next step comes; null is all of them. */
function enterGuest(host: SimulatedHost, name: string, most: number | null, singly: boolean): void {
  const td = requireTd(host, name);
  const { vcpus, isDestroyed } = td.vm.state;
  if (isDestroyed) throw refused(name, "EIO", "it is destroyed");
  if (!td.vm.state.isFinalized) throw refused(name, "EINVAL", "it is not finalized");
  if (most !== null && most > vcpus.length) {
    throw refused(name, "EINVAL", `it has ${vcpus.length} vCPUs`);
  }
  const kvm = host.kvm(td.ledger, singly);
  for (const vcpu of vcpus.slice(0, most ?? vcpus.length)) {
    const entered = runVcpu(kvm, vcpu);
    if (entered.exit === "in-guest") continue;
    const status = entered.status.text;
    throw new Failure("refused", `KVM_RUN of TD ${name}, vCPU ${vcpu.index} failed`, {
      refusal: { errno: "EIO", leaf: "TDH.VP.ENTER", status },
    });
  }
}

function refused(name: string, errno: string, why: string): Failure {
  return new Failure("refused", `KVM_RUN of TD ${name} failed with -${errno}: ${why}`, {
    refusal: { errno },
  });
}
