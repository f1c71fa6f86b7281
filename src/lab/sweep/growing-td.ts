import { KvmVm } from "../../kvm/vm.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { PAGE_SIZE } from "../../units/page.ts";
import type { RunControl } from "../drive.ts";
import { fillTd, makeTd, requireTd } from "../lifecycle.ts";
import { SimulatedHost } from "../simulated-host.ts";
import type { TdOptions } from "../td-options.ts";

const NAME = "td";

/**
 * TDs one after the other. Where the next differs from the last in nothing but more memory, the
 * last one grows: pages are mapped in ascending order, so a TD of 2 GiB is one of 1 GiB with more
 * of the same, page for page. Memory slots can be added to a VM at any time.
 */
export class GrowingTd {
  #host: SimulatedHost | null = null;
  #options: TdOptions | null = null;

  /** A host with a TD of these options, named `td`, populated; it must not be torn down itself. */
  async become(options: TdOptions, control: RunControl): Promise<SimulatedHost> {
    const last = this.#options;
    let host = this.#host;
    // Until it stands there whole, there is nothing to grow from.
    this.#options = null;
    // Faults are planned for teardowns: the TD that they take is a sound one.
    const { faults: _, ...sound } = control;
    if (host === null || last === null || !growsInto(last, options)) {
      host = SimulatedHost.boot(options);
      await makeTd(host, NAME, options, sound);
    } else enlarge(host, options);
    const td = requireTd(host, NAME);
    await fillTd(host, td, { finalize: true }, sound);
    // What creation took is not asked for, and need not be copied with every clone.
    host.add({ ...td, ledger: new Ledger() });
    this.#host = host;
    this.#options = options;
    return host;
  }
}

function growsInto(last: TdOptions, next: TdOptions): boolean {
  for (const name in next) {
    const key = name as keyof TdOptions;
    if (key === "memoryBytes" || key === "populatedBytes") continue;
    if (next[key] !== last[key]) return false;
  }
  return last.memoryBytes <= next.memoryBytes && last.populatedBytes < next.populatedBytes;
}

function enlarge(host: SimulatedHost, options: TdOptions): void {
  const td = requireTd(host, NAME);
  const { generation, state, memory } = td.vm;
  const shape = { ...state.shape, memoryFrames: options.memoryBytes / PAGE_SIZE };
  host.add({
    ...td,
    options: { ...options, packages: td.options.packages },
    vm: new KvmVm(generation, { ...state, shape }, memory),
  });
}
