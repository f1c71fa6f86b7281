import type { Leaf } from "../module/leaf.ts";
import type { Status } from "../module/status.ts";

/** An unbounded retry that was repeated this often without another outcome never ends. */
export const SPIN_LIMIT = 100_000;

/**
 * KVM repeats a SEAMCALL without bound and the answer does not change: the kernel thread never
 * comes back. Thrown where the emulator gives up waiting for it; what KVM did before is booked, and
 * the same work can be asked for again.
 */
export class KvmLivelock extends Error {
  override readonly name = "KvmLivelock";
  readonly leaf: string;
  readonly status: string;
  readonly calls: number;

  constructor(leaf: Leaf, status: Status, calls: number = SPIN_LIMIT) {
    super(`${leaf.name} returned ${status.text} ${calls} times, and KVM tries for ever`);
    this.leaf = leaf.name;
    this.status = status.text;
    this.calls = calls;
  }
}
