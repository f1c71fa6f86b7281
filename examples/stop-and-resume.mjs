import {
  createTd,
  DEFAULT_SESSION,
  destroyTd,
  populateTd,
  RunStopped,
  resolveTdOptions,
  SimulatedHost,
} from "tdx-sim";

const session = { ...DEFAULT_SESSION, step: true };
const options = resolveTdOptions({ memoryBytes: 2 ** 20, vcpus: 1 });
const host = SimulatedHost.boot(options);
await createTd(host, "web", options, session);
await populateTd(host, "web", {}, session);

let turns = 0;
const impatient = { ...session, callsPerTurn: 1, shouldStop: () => ++turns === 100 };
try {
  await destroyTd(host, "web", { strategy: "runtime" }, impatient);
} catch (error) {
  if (!(error instanceof RunStopped)) throw error;
  console.log(host.report("web")?.teardown?.strategy);
  // runtime
}
const result = await destroyTd(host, "web", { strategy: "runtime" }, session);
console.log(result.strategies[0]?.seamcalls.total);
// 1045
