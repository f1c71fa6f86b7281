import { resolveTdOptions, SimulatedHost, TdVm } from "tdx-sim";

const options = resolveTdOptions({ memoryBytes: 2 ** 21, vcpus: 1 });
const host = SimulatedHost.boot(options);
const td = TdVm.create(host, "web", options);

td.initVm();
td.createVcpu();
td.initVcpu(0);
td.initMemRegion({ gpa: 0, pages: 16 });
td.finalizeVm();
td.touch({ offset: 0, bytes: 2 ** 21 });

const hint = td.releaseVm();
console.log(hint.ok, hint.seamcalls.total);
// true 519
console.log(td.releaseVm().seamcalls.total);
// 0

const late = td.finalizeVm();
if (!late.ok) console.log(late.ioctl, late.errno, late.reason);
// KVM_TDX_FINALIZE_VM EINVAL the TD has no HKID

const entry = td.run(0);
if (entry.ok) console.log(entry.answer);
// {
//   reason: 'KVM_EXIT_INTERNAL_ERROR',
//   suberror: 'KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON',
//   data0: '0x8000081000000000',
//   status: 'TDX_TD_KEYS_NOT_CONFIGURED'
// }

console.log(td.close().seamcalls.byLeaf);
// { 'TDH.PHYMEM.PAGE.RECLAIM': 13, 'TDH.PHYMEM.PAGE.WBINVD': 1 }
