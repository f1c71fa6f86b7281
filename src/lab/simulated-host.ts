import { HkidPool } from "../kvm/hkid-pool.ts";
import { HostPages, type HostPagesSnapshot } from "../kvm/host-pages.ts";
import { type PortOptions, type SeamcallObserver, SeamcallPort } from "../kvm/seamcall-port.ts";
import type { GuestSide, KvmHost, KvmVm } from "../kvm/vm.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { vpExit } from "../module/guest.ts";
import { tdAccept } from "../module/guest-accept.ts";
import { TdxModule } from "../module/module.ts";
import type { Platform } from "../module/platform.ts";
import { RCX, Registers } from "../module/registers.ts";
import {
  cloneModule,
  type ModuleSnapshot,
  moduleFromJSON,
  moduleToJSON,
} from "../module/snapshot.ts";
import { SUCCESS } from "../module/status.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { platformFor } from "./platform.ts";
import type { Livelock, TdDescription } from "./result.ts";
import { HostedTds, type StoredTd } from "./stored-td.ts";
import type { TdOptions } from "./td-options.ts";
import { reportTd, type TdReport } from "./td-report.ts";

/** A TD of the host: KVM's VM with what the lab knows of it besides. */
export interface HostedTd {
  readonly name: string;
  readonly options: TdOptions;
  readonly vm: KvmVm;
  /** SEAMCALLs of creation and population, by ioctl. */
  readonly ledger: Ledger;
  /** Pages of the TD's page size that were mapped. */
  populatedPages: number;
  /** TDR page, also after it was reclaimed. */
  readonly tdrPage: number | null;
  /** The teardown that was begun, with its counts so far. */
  teardown: Teardown | null;
}

/** A teardown: by which strategy, what it counted, and the TD as it was before. */
export interface Teardown {
  readonly strategy: string;
  /** Ideas that no kernel has, as they were written. */
  readonly whatIf: readonly string[];
  readonly ledger: Ledger;
  readonly td: TdDescription;
  /** The SEAMCALL that KVM repeats for ever; null where it came through. */
  readonly livelock: Livelock | null;
}

/** A host as plain data; what is inside is nobody else's business. */
export interface HostSnapshot {
  readonly platform: Platform;
  readonly module: ModuleSnapshot;
  readonly pages: HostPagesSnapshot;
  readonly hkidsUsed: readonly number[];
  readonly tds: readonly StoredTd[];
}

/** One simulated machine: TDX module, KVM's host-wide state and the TDs on it. */
export class SimulatedHost {
  readonly module: TdxModule;
  readonly #pages: HostPages;
  readonly #hkids: HkidPool;
  readonly #tds: HostedTds;

  private constructor(
    module: TdxModule,
    pages: HostPages,
    hkids: HkidPool,
    tds: HostedTds = new HostedTds(),
  ) {
    this.#tds = tds;
    this.module = module;
    this.#pages = pages;
    this.#hkids = hkids;
  }

  /** A machine as large as a TD of these options needs. */
  static boot(options: TdOptions): SimulatedHost {
    return SimulatedHost.on(platformFor(options));
  }

  static on(platform: Platform): SimulatedHost {
    const [tdmr] = platform.tdmrs;
    if (tdmr === undefined) throw new Error("a platform has at least one TDMR");
    const pages = HostPages.carve(tdmr.base / PAGE_SIZE, tdmr.size / PAGE_SIZE);
    return new SimulatedHost(new TdxModule(platform), pages, new HkidPool(platform.hkids));
  }

  get platform(): Platform {
    return this.module.platform;
  }

  /** HKIDs that TDs can have. */
  get hkidCount(): number {
    return this.#hkids.size;
  }

  td(name: string): HostedTd | undefined {
    return this.#tds.get(name);
  }

  add(td: HostedTd): void {
    this.#tds.add(td);
  }

  /** Names of all TDs in the order of creation, and whether they are gone. */
  names(): { readonly name: string; readonly destroyed: boolean }[] {
    return this.#tds.names();
  }

  list(): TdReport[] {
    return Array.from(this.#tds.look(), (td) => reportTd(this, td));
  }

  report(name: string): TdReport | undefined {
    const td = this.#tds.get(name);
    return td === undefined ? undefined : reportTd(this, td);
  }

  /** The machine as KVM code sees it, its SEAMCALLs told to `observer`. */
  kvm(observer: SeamcallObserver, step: boolean, options: PortOptions = {}): KvmHost {
    const { platform } = this;
    return {
      port: new SeamcallPort(this.module, observer, {
        ...options,
        ...(step ? { spanLimit: 1 } : {}),
      }),
      pages: this.#pages,
      hkids: this.#hkids,
      lpToPackage: platform.lpToPackage,
      globalHkid: platform.hkids.global,
      hkidShift: platform.hkidShift,
      hasPwMce: platform.hasPwMce ?? true,
      guest: guestOf(this.module),
    };
  }

  clone(): SimulatedHost {
    const hkids = new HkidPool(this.platform.hkids, this.#hkids.used);
    const module = cloneModule(this.module);
    return new SimulatedHost(module, this.#pages.clone(), hkids, this.#tds.clone());
  }

  snapshot(): HostSnapshot {
    return {
      platform: this.platform,
      module: moduleToJSON(this.module),
      pages: this.#pages.toJSON(),
      hkidsUsed: this.#hkids.used,
      tds: this.#tds.toJSON(),
    };
  }

  static restore(snapshot: HostSnapshot): SimulatedHost {
    const { platform } = snapshot;
    return new SimulatedHost(
      moduleFromJSON(platform, snapshot.module),
      HostPages.restore(snapshot.pages),
      new HkidPool(platform.hkids, snapshot.hkidsUsed),
      HostedTds.restore(snapshot.tds),
    );
  }
}

/** Operands of a guest's call, read before it returns. */
const GUEST_REGISTERS = new Registers();

/** The guests of a machine: what they do is decided by whoever drives the run. */
function guestOf(module: TdxModule): GuestSide {
  return {
    accept(lp, gfn, level, count) {
      GUEST_REGISTERS.setNumber(RCX, gfn * PAGE_SIZE + level);
      const status = tdAccept(module, lp, GUEST_REGISTERS, count);
      if (status === SUCCESS) return;
      throw new Error(`the guest could not accept ${gfn}: ${status?.text ?? "EPT violation"}`);
    },
    exit(lp) {
      vpExit(module, lp);
    },
    runs: (lp) => module.guests[lp]?.page ?? null,
    isAnyRunning: () => module.runningVcpus > 0,
  };
}
