import { createTd, destroyTd, populateTd, resolveTdOptions, SimulatedHost } from "tdx-sim";

const options = resolveTdOptions({ memoryBytes: 2 ** 30, vcpus: 2 });
const host = SimulatedHost.boot(options);

await createTd(host, "web", options);
await populateTd(host, "web", { bytes: 2 ** 29 });
const before = host.snapshot();

const result = await destroyTd(host, "web", { strategy: "hint" });
console.log(result.strategies[0]?.end);
// { pagesLeaked: 0, hkidFree: true, tdrReclaimed: true }

const restored = SimulatedHost.restore(JSON.parse(JSON.stringify(before)));
console.log(restored.report("web")?.privatePages);
// { '4K': 131072, '2M': 0, '1G': 0 }
