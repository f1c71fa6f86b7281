import { createTd, Failure, populateTd, resolveTdOptions, SimulatedHost } from "tdx-sim";

const options = resolveTdOptions({ memoryBytes: 2 ** 20 });
const host = SimulatedHost.boot(options);
await createTd(host, "web", options);
try {
  await populateTd(host, "web", { bytes: 2 ** 21 });
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.log(error.kind, error.message);
  // refused KVM_RUN failed with -EFAULT: TD web has 1 MiB of memory
  console.log(error.refusal);
  // { errno: 'EFAULT' }
}
