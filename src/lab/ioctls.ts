import { initMemRegion } from "../kvm/init-mem-region.ts";
import { finalizeVm, initVm } from "../kvm/init-vm.ts";
import { isInGuest } from "../kvm/kick-vcpus.ts";
import { failed, type IoctlResult } from "../kvm/kvm-error.ts";
import { faultIn } from "../kvm/page-fault.ts";
import { destroyVm, releaseVm } from "../kvm/teardown/destroy.ts";
import { terminateVm } from "../kvm/teardown/terminate-vm.ts";
import { createVcpu, initVcpus, refusedRun, refusedVcpu, runVcpu } from "../kvm/vcpu.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "../kvm/vm.ts";
import { Ledger } from "../ledger/ledger.ts";
import { formatHex64 } from "../units/hex64.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { answerOf, type IoctlAnswer, type Outcome, type VcpuExit } from "./ioctl-answer.ts";
import { strategyOf } from "./kernels.ts";
import { createVm, onHost, refuseTaken, requireTd } from "./lifecycle.ts";
import type { HostedTd, SimulatedHost } from "./simulated-host.ts";
import { PAGE_BYTES, resolveTdOptions, type TdOptions } from "./td-options.ts";
import { unmapped } from "./unmapped-memory.ts";

const CREATE_VCPU = "KVM_CREATE_VCPU";
const INIT_MEM_REGION = "KVM_TDX_INIT_MEM_REGION";
const RUN = "KVM_RUN";
const CLOSE = "close";

/** How the ioctls of a TD are carried out. */
export interface TdVmControl {
  /** Make every SEAMCALL one by one. */
  readonly step?: boolean;
}

/**
 * A TD driven ioctl by ioctl, as a VMM does: every method is one ioctl of the VM or of a vCPU and
 * answers with its errno and with the SEAMCALLs it made. Nothing is refused that the kernel would
 * not refuse, so that a wrong order of calls can be studied too (kvm-teardown A.2, C.4, D.2). After
 * a KVM_BUG_ON every ioctl answers -EIO, and `close` still works. Calls run to their end at once;
 * they throw only KvmLivelock, where the kernel would never come back.
 */
export class TdVm {
  readonly #host: SimulatedHost;
  readonly #name: string;
  readonly #step: boolean;

  private constructor(host: SimulatedHost, name: string, { step = false }: TdVmControl) {
    this.#host = host;
    this.#name = name;
    this.#step = step;
  }

  /**
   * KVM_CREATE_VM (type KVM_X86_TDX_VM) with the memory slots of these options: no SEAMCALL, and no
   * HKID is taken yet (V16-021). `vcpus` is TD_PARAMS.MAX_VCPUS. The host lists the TD.
   *
   * @throws Failure `usage` for options that no TD can have; as `createTd` where the name is taken
   */
  static create(
    host: SimulatedHost,
    name: string,
    options: Partial<TdOptions> = {},
    control: TdVmControl = {},
  ): TdVm {
    const taken = host.td(name);
    if (taken !== undefined) throw refuseTaken(host, taken);
    const own = onHost(host, resolveTdOptions(options));
    host.add({
      name,
      options: own,
      vm: createVm(own),
      ledger: new Ledger(),
      populatedPages: 0,
      tdrPage: null,
      teardown: null,
    });
    return new TdVm(host, name, control);
  }

  /** A TD that the host has, for instance in a clone; throws Failure `no-input` where it has none. */
  static open(host: SimulatedHost, name: string, control: TdVmControl = {}): TdVm {
    requireTd(host, name);
    return new TdVm(host, name, control);
  }

  /** KVM_TDX_INIT_VM: takes an HKID; -ENOSPC when none is left. */
  initVm(): IoctlAnswer {
    const answer = this.#ioctl("KVM_TDX_INIT_VM", (kvm, vm) => ended(toEnd(initVm(kvm, vm))));
    if (answer.ok) this.#host.add({ ...this.#td, tdrPage: this.#td.vm.state.tdr });
    return answer;
  }

  /** KVM_CREATE_VCPU: no SEAMCALL; the answer is the index of the vCPU. */
  createVcpu(): IoctlAnswer<number> {
    return this.#ioctl(CREATE_VCPU, (_, vm) => refusedVcpu(vm) ?? { answer: createVcpu(vm).index });
  }

  /** KVM_TDX_INIT_VCPU; the vCPU's thread runs on the LP of its index, modulo LPs. */
  initVcpu(vcpu: number): IoctlAnswer {
    return this.#ofVcpu("KVM_TDX_INIT_VCPU", vcpu, (kvm, vm, chosen) =>
      ended(initVcpus(kvm, vm, [chosen])),
    );
  }

  /**
   * KVM_TDX_INIT_MEM_REGION with KVM_TDX_MEASURE_MEMORY_REGION: adds and measures `pages` pages of
   * 4 KiB from guest physical address `gpa` on.
   */
  initMemRegion({ gpa, pages }: { readonly gpa: number; readonly pages: number }): IoctlAnswer {
    return this.#ioctl(INIT_MEM_REGION, (kvm, vm) => {
      if (!isPage(gpa) || !Number.isSafeInteger(pages)) {
        return failed(INIT_MEM_REGION, "EINVAL", "the region is no range of whole pages");
      }
      return ended(toEnd(initMemRegion(kvm, vm, gpa / PAGE_SIZE, pages)));
    });
  }

  /** KVM_TDX_FINALIZE_VM. */
  finalizeVm(): IoctlAnswer {
    return this.#ioctl("KVM_TDX_FINALIZE_VM", (kvm, vm) => ended(finalizeVm(kvm, vm)));
  }

  /** KVM_RUN: where VP.ENTER succeeds, the vCPU is in the guest until `interrupt` or a kick. */
  run(vcpu: number): IoctlAnswer<VcpuExit> {
    return this.#ofVcpu(RUN, vcpu, (kvm, vm, chosen) => {
      return refusedRun(vm, chosen) ?? { answer: enter(kvm, chosen) };
    });
  }

  /** An external interrupt takes a vCPU out of the guest; false where it was not there. */
  interrupt(vcpu: number): boolean {
    const kvm = this.#host.kvm(new Ledger(), this.#step);
    const chosen = this.#td.vm.state.vcpus[vcpu];
    if (chosen === undefined || !isInGuest(kvm, chosen)) return false;
    kvm.guest.exit(chosen.cpu);
    return true;
  }

  /**
   * KVM_RUN of vCPU 0, whose guest touches `bytes` bytes of its memory, counted from `offset` in
   * the order of the TD's layout. Each page that is not mapped is an EPT violation: missing tables,
   * PAGE.AUG, VP.ENTER and the guest's ACCEPT (kvm-teardown B). -EFAULT beyond the memory. The vCPU
   * is out of the guest afterwards.
   */
  touch({ offset, bytes }: { readonly offset: number; readonly bytes: number }) {
    return this.#ofVcpu<VcpuExit>(RUN, 0, (kvm, vm, chosen) => {
      const refused = refusedRun(vm, chosen);
      if (refused !== null) return refused;
      // Without keys or before MR.FINALIZE it does not get as far as the first page.
      if (vm.state.hkid === null || !vm.state.isFinalized) return { answer: enter(kvm, chosen) };
      const { memoryBytes, pageSize } = this.#td.options;
      if (!(offset >= 0 && bytes > 0 && offset + bytes <= memoryBytes)) {
        return failed(RUN, "EFAULT", "the guest has no memory there");
      }
      if (isInGuest(kvm, chosen)) kvm.guest.exit(chosen.cpu);
      const page = PAGE_BYTES[pageSize];
      const [first, end] = [Math.floor(offset / page), Math.ceil((offset + bytes) / page)];
      for (const leaves of unmapped(this.#td, first, end)) {
        const error = toEnd(faultIn(kvm, vm, leaves));
        if (error !== null) return error;
      }
      return { answer: { reason: "KVM_EXIT_INTR" } };
    });
  }

  /**
   * KVM_TDX_RELEASE_VM, the hint (patch 113/116): gives the HKID back and reclaims private pages and
   * Secure EPT pages; control pages go at `close`. Given again it makes no SEAMCALL and returns 0.
   */
  releaseVm(): IoctlAnswer {
    return this.#tearDown("KVM_TDX_RELEASE_VM", releaseVm);
  }

  /** KVM_TDX_TERMINATE_VM of the kernels that have it: gives the HKID back (kvm-teardown D.2). */
  terminateVm(): IoctlAnswer {
    return this.#tearDown("KVM_TDX_TERMINATE_VM", terminateVm);
  }

  /**
   * The whole teardown by a strategy of the TD's kernel, or what is left to do of it.
   *
   * @throws Failure as `strategyOf` for a strategy that this kernel does not have
   */
  destroy(strategy: string): IoctlAnswer {
    const chosen = strategyOf(this.#td.vm.generation, strategy);
    return this.#tearDown(CLOSE, (kvm, vm) => destroyVm(kvm, vm, chosen));
  }

  /** Closes the last file descriptor while the process lives: what is mapped is zapped. */
  close(): IoctlAnswer {
    return this.destroy("runtime");
  }

  get #td(): HostedTd {
    return requireTd(this.#host, this.#name);
  }

  /** Carries an ioctl out and answers for it; a VM without file descriptors has none. */
  #ioctl<T>(name: string, work: (kvm: KvmHost, vm: KvmVm) => Outcome<T>): IoctlAnswer<T> {
    const { vm, ledger: life } = this.#td;
    const ledger = new Ledger();
    if (vm.state.isDestroyed) {
      return answerOf<T>(name, failed(name, "EIO", "the VM is destroyed"), ledger);
    }
    const kvm = this.#host.kvm(ledger, this.#step);
    const answer = answerOf(name, work(kvm, vm), ledger);
    life.add(ledger);
    return answer;
  }

  #ofVcpu<T>(
    name: string,
    index: number,
    work: (kvm: KvmHost, vm: KvmVm, vcpu: KvmVcpu) => Outcome<T>,
  ): IoctlAnswer<T> {
    return this.#ioctl(name, (kvm, vm) => {
      const vcpu = vm.state.vcpus[index];
      if (vcpu === undefined) return failed(name, "EINVAL", `there is no vCPU ${index}`);
      return work(kvm, vm, vcpu);
    });
  }

  #tearDown(
    name: string,
    work: (kvm: KvmHost, vm: KvmVm) => Generator<void, IoctlResult>,
  ): IoctlAnswer {
    return this.#ioctl(name, (kvm, vm) => ended(toEnd(work(kvm, vm))));
  }
}

function isPage(address: number): boolean {
  return address >= 0 && address % PAGE_SIZE === 0;
}

/** Runs KVM code to its end without giving way. */
function toEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

function ended(result: IoctlResult): Outcome<undefined> {
  return result ?? { answer: undefined };
}

function enter(kvm: KvmHost, vcpu: KvmVcpu): VcpuExit {
  const entered = runVcpu(kvm, vcpu);
  if (entered.exit === "in-guest") return { reason: "in-guest" };
  return {
    reason: entered.exit,
    suberror: "KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON",
    data0: formatHex64(entered.status.value),
    status: entered.status.text,
  };
}
