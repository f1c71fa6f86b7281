/**
 * A program that makes, populates and destroys TDs on one host, for the test that watches its
 * memory: `soak LIVES`, started with --expose-gc. Prints one line of JSON.
 */
import type { IoctlAnswer } from "../../src/lab/ioctl-answer.ts";
import { TdVm } from "../../src/lab/ioctls.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";

/** Lives before memory is first looked at: what the engine compiles and caches is there by then. */
const WARM_UP = 3000;
/** A host lists its destroyed TDs for ever; after so many it goes on without them. */
const LISTED = 100;
const STRATEGIES = ["runtime", "exit", "hint"];

const options = resolveTdOptions({ memoryBytes: 4096, vcpus: 1 });
let host = SimulatedHost.boot(options);
const before = resources();
const lives = Number(process.argv[2]);

live(WARM_UP);
const rssBefore = rss();
live(lives);
const grown = rss() - rssBefore;
process.stdout.write(JSON.stringify({ grown, isAsBefore: resources() === before }));

function live(times: number): void {
  for (let life = 0; life < times; life++) {
    if (life % LISTED === 0) host = SimulatedHost.restore({ ...host.snapshot(), tds: [] });
    const td = TdVm.create(host, `td-${life}`, options);
    must(td.initVm());
    must(td.createVcpu());
    must(td.initVcpu(0));
    must(td.finalizeVm());
    must(td.touch({ offset: 0, bytes: 4096 }));
    must(td.destroy(STRATEGIES[life % 3] as string));
  }
}

function must(answer: IoctlAnswer<unknown>): void {
  if (!answer.ok) throw new Error(JSON.stringify(answer));
}

function rss(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage().rss;
}

/** All but what freed pages remember (ABI 5). */
function resources(): string {
  const { pages, hkidsUsed, module } = host.snapshot();
  const { kot, cacheWriteBacks, tds, vcpus, guests, pamtPairs } = module;
  return JSON.stringify({ pages, hkidsUsed, kot, cacheWriteBacks, tds, vcpus, guests, pamtPairs });
}
