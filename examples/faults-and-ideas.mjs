import {
  compareFresh,
  DEFAULT_SESSION,
  destroyFresh,
  kernelsDocument,
  parseFault,
  parseWhatIf,
  resolveTdOptions,
} from "tdx-sim";

const options = resolveTdOptions({ memoryBytes: 2 ** 30 });

const plans = [parseFault("TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY|RCX@k=100")];
const faults = { plans, seed: 1 };
const faulted = await destroyFresh(options, { strategy: "hint" }, { ...DEFAULT_SESSION, faults });
console.log(faulted.strategies[0]?.statuses);
// { TDX_SUCCESS: 262697, 'TDX_OPERAND_BUSY|RCX': 1 }

const whatIf = [parseWhatIf("batch-track")];
const strategies = ["runtime"];
const batched = await compareFresh(options, { strategies }, { ...DEFAULT_SESSION, whatIf });
console.log(batched.strategies[0]?.seamcalls.byLeaf["TDH.MEM.TRACK"]);
// 1

const merged = kernelsDocument().kernels.filter(({ status }) => status === "merged");
console.log(merged.map(({ kernel }) => kernel));
// [ 'v6.16', 'skip-clear' ]
