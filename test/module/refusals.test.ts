import { describe, expect, it } from "vitest";
import { contendedOperands, effectsOfFailure, statusesOf } from "../../src/module/leaf-statuses.ts";
import { EMULATED, NEWER_LEAVES } from "../../src/module/leaf-table.ts";
import { moduleToJSON } from "../../src/module/snapshot.ts";
import { OPERAND_IDS, STATUS_CODES } from "../../src/module/status-codes.ts";
import { TestHost, TestTd } from "../support/module.ts";

const LEAVES = [...EMULATED, ...NEWER_LEAVES].flatMap((leaf) => (leaf ? [leaf] : []));

/** Names of all that a module's state holds, as a snapshot has them. */
function stateFields(): Set<string> {
  const { host } = new TestTd(new TestHost());
  const snapshot = moduleToJSON(host.module);
  const [td] = snapshot.tds;
  return new Set([snapshot, td, td?.tdcs, snapshot.vcpus[0]].flatMap((o) => Object.keys(o ?? {})));
}

describe.each(LEAVES)("what is told of how $name fails", ({ name, refusals }) => {
  const { effects = {} } = refusals();

  it("are statuses of the ABI, each with an operand of the ABI, or none", () => {
    for (const status of statusesOf(name)) {
      const [code = "", operand, ...rest] = status.split("|");
      expect(STATUS_CODES, status).toHaveProperty(code);
      if (operand !== undefined) expect(OPERAND_IDS, status).toHaveProperty(operand);
      expect(rest).toEqual([]);
    }
  });

  it("are locks with an operand of the ABI, all those that this LP alone can meet among them", () => {
    const contended = contendedOperands(name);
    for (const operand of contended) expect(OPERAND_IDS).toHaveProperty(operand);
    const met = statusesOf(name).flatMap((status) => {
      const [code, operand] = status.split("|");
      return code === "TDX_OPERAND_BUSY" && operand !== undefined ? [operand] : [];
    });
    // Pages of L2 VMs, which KVM gives none, are not among the locks that faults are made of.
    expect(contended).toEqual(expect.arrayContaining(met.filter((at) => !/^R(9|10|11)$/.test(at))));
  });

  it("are changes of the module's state by statuses that it answers", () => {
    const fields = stateFields();
    for (const status of Object.keys(effects)) {
      expect(statusesOf(name)).toContain(status);
      const changed = effectsOfFailure(name, status);
      expect(changed.length).toBeGreaterThan(0);
      for (const field of changed) expect(fields).toContain(field);
    }
    expect(effectsOfFailure(name, "TDX_SUCCESS")).toEqual([]);
  });
});
