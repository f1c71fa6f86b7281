import type { Span } from "./leaf.ts";

/** Register numbers as the operand ids of a status name them (ABI 1.2). */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;

/** One call, or many with the same operands. */
const STILL: Span = { rcxStride: 0, r8Stride: 0, addedLevels: 0 };
const LOW_BITS = 2 ** 52;

/** RECLAIM and RDMD describe a page in RCX, RDX and R8 to R11. */
const PAGE_OUTPUTS = [RCX, RDX, R8, R9, R10, R11]
  .map((register) => 1 << register)
  .reduce((set, bit) => set | bit);

/**
 * The general-purpose registers of a SEAMCALL. A register is kept as bits 51:0, a number, and bits
 * 63:52 apart from it: every address and page-info operand must have those clear, so `wide`, which
 * says where they are not, is nearly always 0. No BigInt is made on the way of an ordinary call.
 */
export class Registers {
  /** Bits 51:0 of every register. */
  readonly low = new Float64Array(16);
  /** Registers with any of bits 63:52 set, one bit each. */
  wide = 0;
  readonly #high = new Uint16Array(16);
  /** How the operands advance over a span of calls. */
  span: Span = STILL;

  /** Bits 63:52. */
  high(register: number): number {
    return this.isWide(register) ? (this.#high[register] as number) : 0;
  }

  isWide(register: number): boolean {
    return ((this.wide >> register) & 1) === 1;
  }

  setHigh(register: number, bits: number): void {
    this.#high[register] = bits;
    this.wide = bits === 0 ? this.wide & ~(1 << register) : this.wide | (1 << register);
  }

  get(register: number): bigint {
    return (BigInt(this.high(register)) << 52n) | BigInt(this.low[register] as number);
  }

  set(register: number, value: bigint): void {
    this.low[register] = Number(BigInt.asUintN(52, value));
    this.setHigh(register, Number(BigInt.asUintN(64, value) >> 52n));
  }

  /** Sets a register to a value below 2^52, which is every address. */
  setNumber(register: number, value: number): void {
    this.low[register] = value;
    this.wide &= ~(1 << register);
  }

  /** Takes a register over from others, all 64 bits. */
  copy(from: Registers, register: number): void {
    this.low[register] = from.low[register] as number;
    this.setHigh(register, from.high(register));
  }

  /** Zeroes RCX, RDX and R8 to R11: what RECLAIM and RDMD answer with unless they know better. */
  clearPageOutputs(): void {
    const { low } = this;
    low[RCX] = 0;
    low[RDX] = 0;
    low[R8] = 0;
    low[R9] = 0;
    low[R10] = 0;
    low[R11] = 0;
    this.wide &= ~PAGE_OUTPUTS;
  }

  setAllOnes(register: number): void {
    this.low[register] = LOW_BITS - 1;
    this.setHigh(register, 0xfff);
  }

  isAllOnes(register: number): boolean {
    return this.high(register) === 0xfff && this.low[register] === LOW_BITS - 1;
  }
}
