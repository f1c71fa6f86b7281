/** Register numbers as the operand ids of a status name them (ABI 1.2). */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;

const LOW_BITS = 2 ** 52;

/**
 * The general-purpose registers of a SEAMCALL. A register is kept as bits 51:0 (a number, exact)
 * and bits 63:52, because every address and page-info operand must have the upper twelve clear:
 * no BigInt is made on the way of an ordinary call.
 */
export class Registers {
  readonly low = new Float64Array(16);
  readonly high = new Uint16Array(16);

  get(register: number): bigint {
    return (BigInt(this.high[register] as number) << 52n) | BigInt(this.low[register] as number);
  }

  set(register: number, value: bigint): void {
    this.low[register] = Number(BigInt.asUintN(52, value));
    this.high[register] = Number(BigInt.asUintN(64, value) >> 52n);
  }

  /** Sets a register to a value below 2^52, which is every address. */
  setNumber(register: number, value: number): void {
    this.low[register] = value;
    this.high[register] = 0;
  }

  /** Zeroes RCX, RDX and R8 to R11: what RECLAIM and RDMD answer with unless they know better. */
  clearPageOutputs(): void {
    const { low, high } = this;
    low[RCX] = 0;
    high[RCX] = 0;
    low[RDX] = 0;
    high[RDX] = 0;
    low[R8] = 0;
    high[R8] = 0;
    low[R9] = 0;
    high[R9] = 0;
    low[R10] = 0;
    high[R10] = 0;
    low[R11] = 0;
    high[R11] = 0;
  }

  setAllOnes(register: number): void {
    this.low[register] = LOW_BITS - 1;
    this.high[register] = 0xfff;
  }

  isAllOnes(register: number): boolean {
    return this.high[register] === 0xfff && this.low[register] === LOW_BITS - 1;
  }
}
