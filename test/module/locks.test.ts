import { describe, expect, it } from "vitest";
import { EXCLUSIVE, PamtLocks, SHARED } from "../../src/module/locks.ts";

const [SIZE_4K, SIZE_2M, SIZE_1G] = [0, 1, 2] as const;
/** Pages of one 2 MiB region, of another in the same 1 GiB, and of another 1 GiB. */
const [HERE, BESIDE, NEAR, FAR] = [512 * 600, 512 * 600 + 511, 512 * 601, 512 * 1200];

describe("a call", () => {
  it("cannot lock exclusively what it holds, in whichever mode", () => {
    for (const mode of [SHARED, EXCLUSIVE] as const) {
      const locks = new PamtLocks();
      expect(locks.takePath(NEAR, SIZE_4K, SHARED)).toBe(true);
      expect(locks.takePath(HERE, SIZE_4K, mode)).toBe(true);
      expect(locks.takePath(HERE, SIZE_4K, EXCLUSIVE)).toBe(false);
      expect(locks.takePath(BESIDE, SIZE_4K, EXCLUSIVE)).toBe(true);
      expect(locks.takePath(BESIDE, SIZE_4K, EXCLUSIVE)).toBe(false);
    }
  });

  it("cannot lock a larger entry over what it holds exclusively", () => {
    const locks = new PamtLocks();
    locks.takePath(HERE, SIZE_4K, SHARED);
    expect(locks.takePath(BESIDE, SIZE_2M, EXCLUSIVE)).toBe(false);
    expect(locks.takePath(NEAR, SIZE_1G, EXCLUSIVE)).toBe(false);
    expect(locks.takePath(NEAR, SIZE_2M, EXCLUSIVE)).toBe(true);
    expect(locks.takePath(FAR, SIZE_1G, EXCLUSIVE)).toBe(true);
  });

  it("holds nothing after it returned", () => {
    const locks = new PamtLocks();
    locks.takePath(HERE, SIZE_4K, EXCLUSIVE);
    locks.releaseAll();
    expect(locks.takePath(HERE, SIZE_4K, EXCLUSIVE)).toBe(true);
  });
});

describe("a vCPU in the guest", () => {
  const [TDVPR, TDR] = [HERE, FAR];

  it("lets its TDVPR and TDR be locked shared alone", () => {
    const locks = new PamtLocks();
    locks.holdForGuest(TDVPR, TDR);
    for (const page of [TDVPR, TDR]) {
      expect(locks.takePath(page, SIZE_4K, EXCLUSIVE)).toBe(false);
      expect(locks.takePath(page, SIZE_4K, SHARED)).toBe(true);
    }
  });

  it("holds the entries above its TDVPR, not those above its TDR", () => {
    const locks = new PamtLocks();
    locks.holdForGuest(TDVPR, TDR);
    expect(locks.takePath(BESIDE, SIZE_2M, EXCLUSIVE)).toBe(false);
    expect(locks.takePath(NEAR, SIZE_1G, EXCLUSIVE)).toBe(false);
    expect(locks.takePath(TDR, SIZE_2M, EXCLUSIVE)).toBe(true);
    // The 2 MiB entry that has the number of the TDR's page.
    expect(locks.takePath(TDR * 512, SIZE_2M, EXCLUSIVE)).toBe(true);
  });

  it("gives back what it alone holds when it leaves", () => {
    const locks = new PamtLocks();
    for (const tdvpr of [TDVPR, NEAR, BESIDE]) locks.holdForGuest(tdvpr, TDR);
    locks.releaseForGuest(NEAR);
    expect(locks.guestCount).toBe(2);
    expect(locks.takePath(NEAR, SIZE_4K, EXCLUSIVE)).toBe(true);
    expect(locks.takePath(TDR, SIZE_4K, EXCLUSIVE)).toBe(false);
    locks.releaseForGuest(TDVPR);
    locks.releaseForGuest(BESIDE);
    for (const page of [TDVPR, BESIDE, TDR]) {
      expect(locks.takePath(page, SIZE_4K, EXCLUSIVE)).toBe(true);
    }
  });
});
