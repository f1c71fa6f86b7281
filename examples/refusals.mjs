import {
  createTd,
  DEFAULT_PROFILE,
  Failure,
  populateTd,
  resolveTdOptions,
  SimulatedHost,
} from "tdx-sim";

const session = { step: false, seed: 1, profile: DEFAULT_PROFILE };
const options = resolveTdOptions({ memoryBytes: 2 ** 20 });
const host = SimulatedHost.boot(options);
await createTd(host, "web", options, session);
try {
  await populateTd(host, "web", { bytes: 2 ** 21, finalize: true }, session);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.log(error.kind, error.message);
  // refused KVM_RUN failed with -EFAULT: TD web has 1 MiB of memory
  console.log(error.refusal);
  // { errno: 'EFAULT' }
}
