import { TD_PARAMS_BYTES } from "./td-params.ts";

/** The fields of TD_PARAMS (ABI 10.2) that a host sets; all others are 0. */
export interface TdParamsFields {
  readonly attributes: bigint;
  readonly xfam: bigint;
  readonly maxVcpus: number;
  readonly numL2Vms: number;
  readonly eptpControls: bigint;
  readonly configFlags: bigint;
  /** In 25 MHz units. */
  readonly tscFrequency: number;
}

/** The 1024 bytes that TDH.MNG.INIT reads. */
export function encodeTdParams(fields: TdParamsFields): Uint8Array {
  const bytes = new Uint8Array(TD_PARAMS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, fields.attributes, true);
  view.setBigUint64(8, fields.xfam, true);
  view.setUint16(16, fields.maxVcpus, true);
  view.setUint8(18, fields.numL2Vms);
  view.setBigUint64(24, fields.eptpControls, true);
  view.setBigUint64(32, fields.configFlags, true);
  view.setUint16(40, fields.tscFrequency, true);
  return bytes;
}
