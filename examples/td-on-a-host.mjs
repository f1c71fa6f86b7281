import {
  createTd,
  DEFAULT_PROFILE,
  destroyTd,
  populateTd,
  resolveTdOptions,
  SimulatedHost,
} from "tdx-sim";

const session = { step: false, seed: 1, profile: DEFAULT_PROFILE };
const options = resolveTdOptions({ memoryBytes: 2 ** 30, vcpus: 2 });
const host = SimulatedHost.boot(options);

await createTd(host, "web", options, session);
await populateTd(host, "web", { bytes: 2 ** 29, finalize: true }, session);
const before = host.snapshot();

const result = await destroyTd(host, "web", { strategy: "hint" }, session);
console.log(result.strategies[0]?.end);
// { pagesLeaked: 0, hkidFree: true, tdrReclaimed: true }

const restored = SimulatedHost.restore(JSON.parse(JSON.stringify(before)));
console.log(restored.report("web")?.privatePages);
// { '4K': 131072, '2M': 0, '1G': 0 }
