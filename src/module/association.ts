import type { TdxModule } from "./module.ts";
import { Status } from "./status.ts";
import { NO_LP, type Vcpu } from "./tdvps.ts";

const VCPU_ASSOCIATED = Status.of("TDX_VCPU_ASSOCIATED");

/**
 * Ties the vCPU to `lp`, the calling LP, as VP.INIT, VP.ENTER, VP.RD and VP.WR do (ABI 11, 7). False,
 * with the status in `refused`, where it is tied to another one. A later failure does not undo it.
 */
export function associate(m: TdxModule, vcpu: Vcpu, lp: number = m.lp): boolean {
  if (vcpu.assocLp === lp) return true;
  if (vcpu.assocLp !== NO_LP) {
    m.refuse(VCPU_ASSOCIATED);
    return false;
  }
  vcpu.assocLp = lp;
  vcpu.td.tdcs.numAssocVcpus++;
  return true;
}
