import { GuestMemory, type GuestMemorySnapshot } from "../kvm/guest-memory.ts";
import { KvmVm, type VmState } from "../kvm/vm.ts";
import { Ledger, type LedgerSnapshot } from "../ledger/ledger.ts";
import { generation } from "./kernels.ts";
import type { HostedTd, Teardown } from "./simulated-host.ts";
import type { TdOptions } from "./td-options.ts";

/** A TD of a host as plain data. */
export interface StoredTd {
  readonly name: string;
  readonly options: TdOptions;
  readonly vm: VmState;
  readonly memory: GuestMemorySnapshot;
  readonly ledger: LedgerSnapshot;
  readonly populatedPages: number;
  readonly tdrPage: number | null;
  readonly teardown: StoredTeardown | null;
}

interface StoredTeardown extends Omit<Teardown, "ledger"> {
  readonly ledger: LedgerSnapshot;
}

/**
 * The TDs of a host by name. Most TDs of a long-kept store are destroyed and never looked at again:
 * a TD that was restored stays plain data until it is asked for.
 */
export class HostedTds {
  readonly #tds = new Map<string, HostedTd | StoredTd>();

  get(name: string): HostedTd | undefined {
    const td = this.#tds.get(name);
    if (td === undefined || !isStored(td)) return td;
    const hosted = hostedOf(td, structuredClone(td.vm));
    this.#tds.set(name, hosted);
    return hosted;
  }

  names(): { readonly name: string; readonly destroyed: boolean }[] {
    return Array.from(this.#tds.values(), (td) => ({
      name: td.name,
      destroyed: (isStored(td) ? td.vm : td.vm.state).isDestroyed,
    }));
  }

  add(td: HostedTd): void {
    this.#tds.set(td.name, td);
  }

  /** Every TD to be looked at and left as it is, in the order of creation. */
  *look(): Generator<HostedTd, void> {
    const unmapped = new GuestMemory();
    for (const td of this.#tds.values()) {
      if (!isStored(td)) yield td;
      else yield hostedOf(td, td.vm, isUnmapped(td.memory) ? unmapped : undefined);
    }
  }

  clone(): HostedTds {
    const copy = new HostedTds();
    for (const [name, td] of this.#tds) {
      copy.#tds.set(name, isStored(td) ? td : cloned(td));
    }
    return copy;
  }

  toJSON(): StoredTd[] {
    return [...this.#tds.values()].map((td) => (isStored(td) ? td : stored(td)));
  }

  static restore(tds: readonly StoredTd[]): HostedTds {
    const hosted = new HostedTds();
    for (const td of tds) hosted.#tds.set(td.name, td);
    return hosted;
  }
}

function isStored(td: HostedTd | StoredTd): td is StoredTd {
  return !(td.vm instanceof KvmVm);
}

function isUnmapped({ leaves, tables }: GuestMemorySnapshot): boolean {
  return [...leaves, ...tables].every(({ length }) => length === 0);
}

function hostedOf(
  td: StoredTd,
  state: VmState,
  memory: GuestMemory = GuestMemory.restore(td.memory),
): HostedTd {
  const { name, options, populatedPages, tdrPage, teardown } = td;
  return {
    name,
    options,
    vm: new KvmVm(generation(options.kernel), state, memory),
    ledger: Ledger.fromJSON(td.ledger),
    populatedPages,
    tdrPage,
    teardown: teardown && { ...teardown, ledger: Ledger.fromJSON(teardown.ledger) },
  };
}

function cloned(td: HostedTd): HostedTd {
  const { name, options, vm, ledger, populatedPages, tdrPage, teardown } = td;
  return {
    name,
    options,
    vm: vm.clone(),
    ledger: ledger.clone(),
    populatedPages,
    tdrPage,
    teardown: teardown && { ...teardown, ledger: teardown.ledger.clone() },
  };
}

function stored(td: HostedTd): StoredTd {
  const { name, options, vm, ledger, populatedPages, tdrPage, teardown } = td;
  return {
    name,
    options,
    vm: vm.state,
    memory: vm.memory.toJSON(),
    ledger: ledger.toJSON(),
    populatedPages,
    tdrPage,
    teardown: teardown && { ...teardown, ledger: teardown.ledger.toJSON() },
  };
}
