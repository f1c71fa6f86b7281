import { expect, it } from "vitest";
import { vmOf } from "../support/kvm-side.ts";
import { built } from "../support/td-vm.ts";

it("KVM_CREATE_VM makes a VM without HKID, pages and vCPUs (V16-021)", () => {
  const { state, memory } = vmOf(built("created").host);
  expect(state).toEqual({
    shape: { maxVcpus: 2, memoryFrames: 4, septLevels: 4, tdcxPages: 6, tdvpxPages: 5 },
    hkid: null,
    hkidRelease: "released",
    packagesWrittenBack: 0,
    isWriteBackInterrupted: false,
    tdr: null,
    isTdrReclaimed: false,
    tdcx: [],
    vcpus: [],
    isFinalized: false,
    isBugged: false,
    isTerminated: false,
    isDestroyed: false,
    leaked: [],
    warnings: {},
    leakedHkids: [],
    removal: { step: 0, time: 0 },
    zap: null,
    unflushed: [],
    shared: [],
  });
  expect(memory.tableCount()).toBe(0);
});

it("nothing done to a copy of a VM shows in the VM", () => {
  const { host } = built("touched");
  const vm = vmOf(host);
  const page = { pfn: 7, pages: 1 };
  vm.state.leaked.push({ ...page, what: "private page" });
  vm.state.warnings["TDH.MEM.TRACK TDX_TD_FATAL"] = 1;
  vm.state.leakedHkids.push(3);
  vm.state.unflushed.push({ ...page });
  vm.state.shared = [{ from: 1, to: 2 }];
  const before = structuredClone(vm.state);

  const copy = vm.clone();
  expect(copy.state).toEqual(before);
  expect(copy.memory.toJSON()).toEqual(vm.memory.toJSON());
  const { state } = copy;
  state.tdcx.pop();
  for (const vcpu of state.vcpus) {
    vcpu.tdvpx.pop();
    vcpu.cpu = -1;
  }
  state.leaked.pop();
  state.warnings["TDH.MEM.TRACK TDX_TD_FATAL"] = 2;
  state.leakedHkids.pop();
  for (const each of state.unflushed) each.pages++;
  state.unflushed.push(page);
  (state.shared as unknown[]).pop();
  expect(vm.state).toEqual(before);
});

it("a copy of a VM counts leaves as the VM did", () => {
  const { host } = built("touched");
  const { memory } = vmOf(host).clone();
  expect([memory.leafCount(0), memory.leafCount(1), memory.tableCount()]).toEqual([4, 0, 3]);
  memory.unmap(0, 0, 1);
  expect(vmOf(host).memory.leafCount(0)).toBe(4);
});
