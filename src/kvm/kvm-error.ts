import type { Leaf } from "../module/leaf.ts";
import type { Status } from "../module/status.ts";

export type Errno =
  | "E2BIG"
  | "EAGAIN"
  | "EBUSY"
  | "EFAULT"
  | "EINVAL"
  | "EIO"
  | "ENOMEM"
  | "ENOSPC"
  | "EOPNOTSUPP";

/** A failed ioctl: what it returns (negated) and the SEAMCALL that made it fail, if one did. */
export interface KvmError {
  readonly errno: Errno;
  /** The ioctl that failed, as the kernel names it. */
  readonly ioctl: string;
  readonly reason: string;
  readonly leaf?: string;
  readonly status?: string;
}

/** What an ioctl returns: null is 0. */
export type IoctlResult = KvmError | null;

export function failed(ioctl: string, errno: Errno, reason: string): KvmError {
  return { errno, ioctl, reason };
}

/** An ioctl that failed because of a SEAMCALL. */
export function seamcallFailed(ioctl: string, errno: Errno, leaf: Leaf, status: Status): KvmError {
  return {
    errno,
    ioctl,
    reason: `${leaf.name} returned ${status.text}`,
    leaf: leaf.name,
    status: status.text,
  };
}
