import { describe, expect, it } from "vitest";
import { HostMemory } from "../../src/module/host-memory.ts";

const PAGE = 4096;

function filled(value: number): Uint8Array {
  return new Uint8Array(1024).fill(value);
}

/** Memory where the host wrote its number to each of these addresses' first bytes. */
function written(...addresses: readonly number[]): HostMemory {
  const memory = new HostMemory();
  for (const [i, address] of addresses.entries()) memory.write(address, filled(i + 1));
  return memory;
}

function firstBytes(memory: HostMemory, ...addresses: readonly number[]): (number | undefined)[] {
  return addresses.map((address) => memory.read(address)[0]);
}

/** 1 KiB blocks around pages 2 to 4. */
const AROUND = [2 * PAGE - 1024, 2 * PAGE, 3 * PAGE, 5 * PAGE - 1024, 5 * PAGE] as const;

describe("memory that the host wrote", () => {
  it("reads 0 where it never did", () => {
    expect(new HostMemory().read(PAGE)).toEqual(filled(0));
  });

  it("reads 0 again where the module overwrote it, and there alone", () => {
    const memory = written(...AROUND);
    memory.overwrite(2, 3);
    expect(firstBytes(memory, ...AROUND)).toEqual([1, 0, 0, 0, 5]);
  });

  it("does so too where much is kept beside", () => {
    const beside = Array.from({ length: 40 }, (_, i) => 64 * PAGE + i * 1024);
    const memory = written(...AROUND, ...beside);
    memory.overwrite(2, 3);
    expect(firstBytes(memory, ...AROUND, ...beside.slice(0, 2))).toEqual([1, 0, 0, 0, 5, 6, 7]);
    expect([...memory.blocks()]).toHaveLength(42);
  });

  it("is forgotten in one place", () => {
    const memory = written(PAGE, PAGE + 1024);
    memory.forget(PAGE);
    expect(firstBytes(memory, PAGE, PAGE + 1024)).toEqual([0, 2]);
  });

  it("is copied to each of several pages, whatever stood there", () => {
    const memory = written(7 * PAGE + 1024, 9 * PAGE, 2 * PAGE + 2048, 2 * PAGE + 1024);
    memory.write(3 * PAGE - 2048, filled(9));
    memory.copy(2, 7, 3);
    const to = [7, 8, 9, 10].flatMap((page) => [
      page * PAGE,
      page * PAGE + 1024,
      page * PAGE + 2048,
    ]);
    expect(firstBytes(memory, ...to)).toEqual([0, 4, 9, 0, 4, 9, 0, 4, 9, 0, 0, 0]);
    expect(firstBytes(memory, 2 * PAGE + 1024)).toEqual([4]);
  });

  it("comes back from plain numbers", () => {
    const memory = written(PAGE, 3 * PAGE);
    const copy = new HostMemory();
    copy.restore(JSON.parse(JSON.stringify(memory.toJSON())));
    expect([...copy.blocks()]).toEqual([
      [4, filled(1)],
      [12, filled(2)],
    ]);
  });
});
