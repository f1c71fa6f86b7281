import type { HostSnapshot } from "../../../src/lab/simulated-host.ts";
import { SimulatedHost } from "../../../src/lab/simulated-host.ts";
import { checkInvariants } from "../../../src/module/invariants.ts";
import { Store } from "../../../src/store/store.ts";
import { runOnStore } from "../cli-in-process.ts";

interface ListedTd {
  readonly name: string;
  readonly destroyed: boolean;
  readonly lifecycle: string;
  readonly hkid: number | null;
  readonly hkidState: string;
}

/** What TDR.LIFECYCLE_STATE goes through, as `list` spells it; I-6: never back. */
const LIFECYCLE = ["TD_HKID_ASSIGNED", "TD_KEYS_CONFIGURED", "TD_BLOCKED", "TD_TEARDOWN"];

/** Reads a store that others write and nobody empties, and judges what it finds. */
export class StoreReader {
  readonly faults: string[] = [];
  readonly #store: string;
  readonly #furthest = new Map<string, number>();

  constructor(store: string) {
    this.#store = store;
  }

  async read(): Promise<void> {
    const { code, stdout, stderr } = await runOnStore(["list", "--format", "json"], this.#store);
    if (code !== 0) this.faults.push(`list ended with ${code}: ${stderr}`);
    else this.#judgeList(stdout);
    this.#judgeState();
  }

  #judgeList(text: string): void {
    const tds = JSON.parse(text) as ListedTd[];
    const owners = new Map<number, string>();
    for (const { name, destroyed, lifecycle, hkid } of tds) {
      const at = LIFECYCLE.indexOf(lifecycle);
      const step = destroyed ? LIFECYCLE.length : at;
      if (!destroyed && at < 0) this.faults.push(`${name} is in ${lifecycle}`);
      if (step < (this.#furthest.get(name) ?? 0)) this.faults.push(`I-6: ${name} went back`);
      this.#furthest.set(name, step);
      if (destroyed || hkid === null) continue;
      if (owners.has(hkid)) this.faults.push(`I-4: ${name} and ${owners.get(hkid)} have ${hkid}`);
      owners.set(hkid, name);
    }
    if (this.#furthest.size !== tds.length) this.faults.push("a TD is gone");
    if (new Set(tds.map(({ name }) => name)).size !== tds.length) this.faults.push("a name twice");
  }

  #judgeState(): void {
    const stored = new Store({ directory: this.#store, command: "test" }).read();
    if (stored === null) return;
    const host = SimulatedHost.restore(stored as HostSnapshot);
    this.faults.push(...checkInvariants(host.module));
  }
}
