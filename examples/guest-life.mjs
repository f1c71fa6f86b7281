import {
  compareTd,
  convertTd,
  createTd,
  populateTd,
  punchTd,
  resolveTdOptions,
  SimulatedHost,
} from "tdx-sim";

const options = resolveTdOptions({ memoryBytes: 2 ** 30, vcpus: 2 });
const host = SimulatedHost.boot(options);
await createTd(host, "web", options);
await populateTd(host, "web");

await convertTd(host, "web", { at: 2 ** 29, bytes: 2 ** 28, to: "shared" });
const td = await punchTd(host, "web", { at: 0, bytes: 2 ** 20 });
console.log(td.privatePages);
// { '4K': 196352, '2M': 0, '1G': 0 }

const { strategies } = await compareTd(host, "web", { strategies: ["runtime", "hint"] });
console.log(strategies.map(({ seamcalls }) => seamcalls.total));
// [ 785947, 196891 ]
