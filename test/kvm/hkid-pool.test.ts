import { expect, it } from "vitest";
import { HkidPool } from "../../src/kvm/hkid-pool.ts";

const HKIDS = { first: 32, count: 4, global: 33 };

it("HKIDs are handed out from the lowest free one on, never the module's own", () => {
  const pool = new HkidPool(HKIDS);
  expect(pool.size).toBe(3);
  expect([pool.alloc(), pool.alloc(), pool.alloc(), pool.alloc()]).toEqual([32, 34, 35, null]);
  pool.free(34);
  expect(pool.alloc()).toBe(34);
});

it("HKIDs in use are told in ascending order, whenever they were taken", () => {
  const pool = new HkidPool(HKIDS, [35, 32]);
  expect(pool.alloc()).toBe(34);
  expect(pool.used).toEqual([32, 34, 35]);
});
