import { describe, expect, it } from "vitest";
import { checkInvariants } from "../../src/module/invariants.ts";
import { VCPU_ACTIVE, VCPU_READY, VCPU_UNINITIALIZED } from "../../src/module/tdvps.ts";
import { lived, type Parts, partsOf } from "../support/lived-td.ts";

const TD = "TD 0x100000000";
const RUNNING = "vCPU 0x100008000";
const IDLE = "vCPU 0x100011000";
const NOT_THERE = `I-5: LP 0 runs ${RUNNING}, which is not ACTIVE there`;

/** Rules about vCPUs, what breaks each, and all that is said about it then. */
const BROKEN: readonly (readonly [string, (parts: Parts) => unknown, readonly string[]])[] = [
  [
    "a vCPU runs on the LP that it is associated with",
    ({ running }) => {
      running.assocLp = 1;
    },
    [NOT_THERE, `I-5: ${RUNNING} is ACTIVE and runs nowhere`],
  ],
  [
    "a vCPU that runs is ACTIVE",
    ({ running }) => {
      running.state = VCPU_READY;
    },
    [NOT_THERE, `I-12: ${TD} counts 1 vCPUs of epochs with parity 1`],
  ],
  [
    "a vCPU that runs is known",
    ({ m, running }) => m.vcpus.delete(running.page),
    [
      `I-2: ${TD} owns 2 TDVPRs of 1`,
      `I-2: ${TD} owns 23 TDCX pages and has 15 in use`,
      NOT_THERE,
      `I-5: ${TD} has 1 associated vCPUs and counts 2`,
      `I-12: ${TD} counts 1 vCPUs of epochs with parity 1`,
      `I-5: ${TD} has 1 vCPUs, counts 2 of 8`,
    ],
  ],
  ["the running vCPUs are counted", ({ m }) => m.runningVcpus++, ["I-5: 1 vCPUs run, 2 counted"]],
  [
    "those that run hold locks, and nobody else",
    ({ m }) => m.guests.fill(null),
    [
      "I-5: 0 vCPUs run, 1 counted",
      "locks: 1 guests hold locks, 0 run",
      `I-5: ${RUNNING} is ACTIVE and runs nowhere`,
    ],
  ],
  [
    "a vCPU that is ACTIVE runs",
    ({ idle }) => {
      idle.state = VCPU_ACTIVE;
    },
    [
      `I-5: ${IDLE} is ACTIVE and runs nowhere`,
      `I-12: ${TD} counts 0 vCPUs of epochs with parity 0`,
    ],
  ],
  [
    "a vCPU's LP is there",
    ({ idle }) => {
      idle.assocLp = 2;
    },
    [`I-5: ${IDLE} is on LP 2`],
  ],
  [
    "a vCPU's TD is there",
    ({ m, td }) => m.tds.set(td.page, { ...td }),
    [
      `I-2: ${TD} owns 2 TDVPRs of 0`,
      `I-2: ${TD} owns 23 TDCX pages and has 7 in use`,
      `I-8: ${RUNNING} has no TD`,
      `I-8: ${IDLE} has no TD`,
      `I-5: ${TD} has 0 associated vCPUs and counts 2`,
      `I-12: ${TD} counts 1 vCPUs of epochs with parity 1`,
      `I-5: ${TD} has 0 vCPUs, counts 2 of 8`,
    ],
  ],
  [
    "a vCPU is associated once it is initialised",
    ({ idle }) => {
      idle.state = VCPU_UNINITIALIZED;
    },
    [`I-5: ${IDLE} is associated too early or late`, `I-5: ${TD} has 1 vCPUs, counts 2 of 8`],
  ],
  [
    "associations are counted",
    ({ td }) => td.tdcs.numAssocVcpus--,
    [`I-5: ${TD} has 2 associated vCPUs and counts 1`],
  ],
  [
    "initialised vCPUs are counted",
    ({ td }) => td.tdcs.numVcpus++,
    [`I-5: ${TD} has 2 vCPUs, counts 3 of 8`],
  ],
  [
    "each has an index of its own",
    ({ idle, running }) => {
      idle.vcpuIndex = running.vcpuIndex;
    },
    [`I-5: ${TD} has 1 vCPUs, counts 2 of 8`],
  ],
  [
    "there are MAX_VCPUS at most",
    ({ td }) => {
      td.tdcs.maxVcpus = 1;
    },
    [`I-5: ${TD} has 2 vCPUs, counts 2 of 1`],
  ],
  [
    "REFCOUNT counts vCPUs of even epochs",
    ({ td }) => td.tdcs.refcount[0]++,
    [`I-12: ${TD} counts 1 vCPUs of epochs with parity 0`],
  ],
  [
    "REFCOUNT counts vCPUs of odd epochs",
    ({ td }) => td.tdcs.refcount[1]++,
    [`I-12: ${TD} counts 2 vCPUs of epochs with parity 1`],
  ],
  [
    "a vCPU runs in no epoch to come",
    ({ td }) => {
      td.tdcs.tdEpoch = 0;
    },
    [
      `I-12: ${TD} is in epoch 0`,
      `I-12: ${RUNNING} is in epoch 1 still`,
      "I-12: 0x180001000 was blocked in epoch 1",
    ],
  ],
];

describe("of vCPUs it is checked that", () => {
  it.each(BROKEN)("%s", (_rule, breakIt, violations) => {
    const tested = lived();
    breakIt(partsOf(tested));
    expect(checkInvariants(tested.host.module)).toEqual(violations);
  });
});
