import { EXIT_EPT_VIOLATION, vpExit } from "./guest.ts";
import type { Refusals } from "./leaf.ts";
import type { TdxModule } from "./module.ts";
import { R8, R9, RAX, RCX, RDX, type Registers } from "./registers.ts";
import type { SecureEpt } from "./secure-ept.ts";
import {
  ARCH_STATE,
  FREE,
  GUEST_ACCESSIBLE_STATES,
  isIn,
  LEAF_STATES,
  MAPPED,
  PENDING,
} from "./sept-states.ts";
import { Status, SUCCESS } from "./status.ts";
import type { Vcpu } from "./tdvps.ts";

const ALREADY_ACCEPTED = [0, 1, 2, 3, 4].map((level) =>
  Status.atLevel("TDX_PAGE_ALREADY_ACCEPTED", level),
);
const SIZE_MISMATCH = [0, 1].map((level) => Status.atLevel("TDX_PAGE_SIZE_MISMATCH", level));

/** The guest's leaf that is emulated. */
export const ACCEPT_LEAF = "TDG.MEM.PAGE.ACCEPT";
export const ACCEPT_REFUSALS: Refusals = {
  statuses: ["OPERAND_INVALID|RCX", "PAGE_ALREADY_ACCEPTED", "PAGE_SIZE_MISMATCH"],
};

/** Exit qualification of a write and extended qualification of ACCEPT (ABI 7). */
const WRITE = 2;
const ACCEPT = 1;

/**
 * ABI 7, TDG.MEM.PAGE.ACCEPT: the vCPU in the guest on `lp` takes the page that RCX names, and
 * with `count` above 1 as many after it in the same state. Returns the guest's status, or null
 * where the guest left with an EPT violation: then `r` holds what TDH.VP.ENTER returns, RAX included.
 */
export function tdAccept(m: TdxModule, lp: number, r: Registers, count = 1): Status | null {
  const { td } = m.guests[lp] as Vcpu;
  const sept = td.sept as SecureEpt;
  m.inputs.low[RCX] = r.low[RCX] as number;
  m.inputs.setHigh(RCX, r.high(RCX));
  const level = (r.low[RCX] as number) & 7;
  if (!m.checkPageInfo(td, level, 0, 1)) return m.refused;

  const gpa = (r.low[RCX] as number) - level;
  const isReached = sept.walk(gpa / 4096, level);
  const { state } = sept;
  const isLeaf = isIn(LEAF_STATES, state);
  if (isReached && state !== FREE && !isLeaf) return SIZE_MISMATCH[level] as Status;
  if (isIn(GUEST_ACCESSIBLE_STATES, state)) return ALREADY_ACCEPTED[sept.level] as Status;
  if (!isReached || state !== PENDING) {
    exitWithEptViolation(m, lp, r, gpa, level, sept);
    return null;
  }

  m.hostMemory.overwrite(sept.page, count * (level === 0 ? 1 : 512));
  sept.setState(MAPPED, count);
  return SUCCESS;
}

function exitWithEptViolation(
  m: TdxModule,
  lp: number,
  r: Registers,
  gpa: number,
  level: number,
  sept: SecureEpt,
): void {
  const leafBit = isIn(LEAF_STATES, sept.state) ? 1 << 14 : 0;
  const info = level | (sept.level << 3) | ((ARCH_STATE[sept.state] as number) << 6) | leafBit;
  vpExit(m, lp);
  r.low.fill(0);
  r.wide = 0;
  r.low[RAX] = EXIT_EPT_VIOLATION;
  r.low[RCX] = WRITE;
  r.low[RDX] = info * 2 ** 32 + ACCEPT;
  r.low[R8] = gpa;
  r.low[R9] = 0;
}
