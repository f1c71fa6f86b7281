import { compareFresh, parseSize, resolveTdOptions } from "tdx-sim";

const options = resolveTdOptions({ memoryBytes: parseSize("16G"), vcpus: 4 });
const result = await compareFresh(options);

for (const [i, { strategy, seamcalls, hostWork }] of result.strategies.entries()) {
  const fewer = result.comparison[i]?.seamcallRatio.toFixed(2);
  console.log(`${strategy}: ${seamcalls.total} SEAMCALLs, ${hostWork.vcpuKicks} kicks, ${fewer}x`);
}
// runtime: 16785464 SEAMCALLs, 16777216 kicks, 1.00x
// exit: 4202552 SEAMCALLs, 0 kicks, 3.99x
// hint: 4202552 SEAMCALLs, 0 kicks, 3.99x
