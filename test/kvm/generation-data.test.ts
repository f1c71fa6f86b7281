import { describe, expect, it } from "vitest";
import { GENERATIONS, generation } from "../../src/lab/kernels.ts";

const MMU_WRITE = "mmu_lock for writing";
const GMEM = ["slots_lock", "invalidate lock of guest_memfd", MMU_WRITE];
const UNTIL_V19 = ["v16", "v17", "v18", "v19"];
const TERMINATE = ["terminate-v4", "terminate-v5", "terminate-5of5"];
const FROM_V6_16 = ["v6.16", "skip-clear", "huge-pages", "dynamic-pamt"];

/** Each generation is of one of the three families whose locks and phases are the same. */
const FAMILIES = [
  {
    family: "until v19 (kvm-teardown C.1 to C.3)",
    kernels: UNTIL_V19,
    remove: [MMU_WRITE],
    release: [
      "cpus_read_lock",
      "tdx_lock from VPFLUSHDONE on",
      "mmu_lock for writing from VPFLUSHDONE on",
    ],
    reclaim: [MMU_WRITE],
    held: [["remove-private"], ["release-hkid"], ["reclaim-private", "reclaim-sept"]],
  },
  {
    family: "from v6.16 on (kvm-teardown D.1: no mmu_lock around the release)",
    kernels: FROM_V6_16,
    remove: GMEM,
    release: ["cpus_read_lock", "tdx_lock from VPFLUSHDONE on"],
    reclaim: [MMU_WRITE],
    held: [["remove-private"], ["reclaim-sept"]],
  },
  {
    family: "with KVM_TDX_TERMINATE_VM (kvm-teardown D.2: mmu_lock around CACHE.WB and FREEID)",
    kernels: TERMINATE,
    remove: GMEM,
    release: [
      "cpus_read_lock",
      "tdx_lock from VPFLUSHDONE on",
      "mmu_lock for writing around CACHE.WB and FREEID",
    ],
    reclaim: GMEM,
    held: [["remove-private"], ["release-hkid"], ["reclaim-private"], ["reclaim-sept"]],
  },
];

describe("locks of a teardown", () => {
  it.each(FAMILIES)("$family", ({ kernels, remove, release, reclaim, held }) => {
    for (const name of kernels) {
      const { locks, mmuLockWriteStretches } = generation(name);
      expect(locks, name).toEqual({
        "remove-leaves": remove,
        "release-hkid": release,
        "reclaim-leaves": reclaim,
        "reclaim-tables": [MMU_WRITE],
        "reclaim-vcpus": [],
        "reclaim-td": [],
      });
      expect(mmuLockWriteStretches, name).toEqual(held);
    }
  });

  it("are told of every generation", () => {
    const told = FAMILIES.flatMap(({ kernels }) => kernels);
    expect(told.sort()).toEqual([...GENERATIONS.keys()].sort());
  });

  it("held all through an ioctl are kvm->lock and what keeps vCPUs or memslots still", () => {
    for (const { strategies } of GENERATIONS.values()) {
      for (const { command, ioctlLocks } of strategies) {
        if (command === undefined) expect(ioctlLocks).toBeUndefined();
        else if (command === "KVM_TDX_RELEASE_VM") {
          expect(ioctlLocks).toEqual(["kvm->lock", "kvm->srcu"]);
        } else {
          const mutexes = "the mutex of every vCPU, tried (let go of before the release)";
          expect(ioctlLocks).toEqual(["kvm->lock", mutexes]);
        }
      }
    }
  });
});

describe("KVM_TDX_TERMINATE_VM", () => {
  it("forbids every ioctl in V4 and v5, those of a bugged VM in 5/5 (kvm-teardown D.2)", () => {
    const rules = [...GENERATIONS.values()].map(({ name, terminate }) => [name, terminate]);
    expect(rules.filter(([, terminate]) => terminate !== null)).toEqual([
      ["terminate-v4", { refuses: "every" }],
      ["terminate-v5", { refuses: "every" }],
      ["terminate-5of5", { refuses: "bugged" }],
    ]);
  });
});

describe("what nobody measured", () => {
  it("are the PAMT calls of dynamic-pamt alone", () => {
    for (const { name, unmeasured } of GENERATIONS.values()) {
      if (name !== "dynamic-pamt") expect(unmeasured, name).toEqual([]);
      else expect(unmeasured.join()).toMatch(/TDH\.PHYMEM\.PAMT\.ADD.*TDH\.PHYMEM\.PAMT\.REMOVE/);
    }
  });
});
