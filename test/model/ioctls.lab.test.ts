import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IoctlAnswer } from "../../src/lab/ioctl-answer.ts";
import type { TdVm } from "../../src/lab/ioctls.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { PATIENCE, sample } from "../support/sample.ts";
import { buildOn, expectPristine, PAGE, STAGES } from "../support/td-vm.ts";

const PAGES = 6;
const OPTIONS = resolveTdOptions({ memoryBytes: PAGES * PAGE, vcpus: 2, lps: 2 });

/** What a VMM asks of one of its TDs, in an order of its own. */
interface Request {
  readonly td: 0 | 1;
  readonly name: string;
  make(td: TdVm): IoctlAnswer<unknown> | boolean;
}

function request(name: string, make: (td: TdVm, n: number) => IoctlAnswer<unknown> | boolean) {
  return fc
    .record({ td: fc.constantFrom<0 | 1>(0, 1), n: fc.nat(PAGES) })
    .map(({ td, n }): Request => {
      return { td, name: `${name} ${n} of ${td}`, make: (of) => make(of, n) };
    });
}

const requests = fc.oneof(
  { weight: 2, arbitrary: request("initVm", (td) => td.initVm()) },
  { weight: 1, arbitrary: request("createVcpu", (td) => td.createVcpu()) },
  { weight: 2, arbitrary: request("initVcpu", (td, n) => td.initVcpu(n % 3)) },
  { weight: 2, arbitrary: request("initMemRegion", addPages) },
  { weight: 3, arbitrary: request("finalizeVm", (td) => td.finalizeVm()) },
  { weight: 8, arbitrary: request("touch", touchPages) },
  { weight: 6, arbitrary: request("run", (td, n) => td.run(n % 3)) },
  { weight: 3, arbitrary: request("interrupt", (td, n) => td.interrupt(n % 3)) },
  { weight: 1, arbitrary: request("releaseVm", (td) => td.releaseVm()) },
  { weight: 1, arbitrary: request("terminateVm", (td) => td.terminateVm()) },
  { weight: 1, arbitrary: request("close", (td) => td.close()) },
);

function addPages(td: TdVm, n: number): IoctlAnswer {
  return td.initMemRegion({ gpa: n * PAGE, pages: 1 });
}

function touchPages(td: TdVm, n: number): IoctlAnswer<unknown> {
  return td.touch({ offset: n * PAGE, bytes: 2 * PAGE });
}

describe("ioctls in any order, of two TDs on one host from any stage on", () => {
  it.each(["v16", "v19", "v6.16", "terminate-v4"])(
    "leave the module sound and are answered; what is closed leaves nothing behind (%s)",
    (kernel) => {
      const orders = fc.array(requests, { minLength: 5, maxLength: 40 });
      const stages = fc.constantFrom(...STAGES);
      fc.assert(
        fc.property(stages, stages, orders, (first, second, order) => {
          const host = SimulatedHost.boot(OPTIONS);
          const options = { ...OPTIONS, kernel };
          const tds = [
            buildOn(host, "a", first, options),
            buildOn(host, "b", second, options),
          ] as const;
          for (const { td, make } of order) make(tds[td]);
          for (const td of tds) td.close();
          expect(host.module.runningVcpus).toBe(0);
          const leaked = ["a", "b"].map((name) => host.report(name)?.pagesLeaked ?? 0);
          if (leaked.every((pages) => pages === 0)) expectPristine(host);
        }),
        sample(150, 5000),
      );
    },
    PATIENCE,
  );
});
