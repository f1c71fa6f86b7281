/**
 * tdx-sim as a library: the emulated host, the life of a TD on it, and what a teardown takes.
 * Counts are exact integers, times are intervals with their basis. No function here reads a clock,
 * draws a random number or touches a file. What is refused throws {@link Failure}; the ioctls of
 * {@link TdVm} answer instead. `docs/library.md` has an example of each.
 */

import type { Figure, Profile, Term } from "./cost/profile.ts";
import { parseProfile } from "./cost/profile-schema.ts";
import { builtInProfile, DEFAULT_PROFILE } from "./cost/profiles/index.ts";
import type { Errno } from "./kvm/kvm-error.ts";
import { KvmLivelock } from "./kvm/livelock.ts";
import { type RunControl, RunStopped } from "./lab/drive.ts";
import { type FaultPlan, parseFault } from "./lab/faults/fault-plan.ts";
import { type ConvertRequest, convertTd, type MemoryPart, punchTd } from "./lab/guest-life.ts";
import type { IoctlAnswer, IoctlDone, IoctlFailed, VcpuExit } from "./lab/ioctl-answer.ts";
import { TdVm, type TdVmControl } from "./lab/ioctls.ts";
import { type KernelFacts, type KernelsDocument, kernelsDocument } from "./lab/kernel-facts.ts";
import { createTd, type PopulateRequest, populateTd } from "./lab/lifecycle.ts";
import type { Mismatch } from "./lab/replay/mismatch.ts";
import { type ReplayOptions, type ReplayResult, replay } from "./lab/replay/replay.ts";
import type {
  Basis,
  ComparisonEntry,
  EstimatedInterval,
  HostWork,
  Interval,
  PhaseResult,
  Result,
  Seamcalls,
  StrategyResult,
  TdDescription,
} from "./lab/result.ts";
import { type HostSnapshot, SimulatedHost } from "./lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "./lab/td-options.ts";
import type { TdReport } from "./lab/td-report.ts";
import {
  type CompareRequest,
  compareFresh,
  compareTd,
  DEFAULT_SESSION,
  destroyFresh,
  destroyTd,
  type Session,
} from "./lab/teardown.ts";
import { VERSION } from "./lab/version.ts";
import { parseWhatIf, type WhatIf } from "./lab/what-if.ts";
import type { Platform } from "./module/platform.ts";
import { Failure, type FailureKind, type Refusal } from "./units/failure.ts";
import { parseSize } from "./units/size.ts";

export type {
  Basis,
  CompareRequest,
  ComparisonEntry,
  ConvertRequest,
  Errno,
  EstimatedInterval,
  FailureKind,
  FaultPlan,
  Figure,
  HostSnapshot,
  HostWork,
  Interval,
  IoctlAnswer,
  IoctlDone,
  IoctlFailed,
  KernelFacts,
  KernelsDocument,
  MemoryPart,
  Mismatch,
  PhaseResult,
  Platform,
  PopulateRequest,
  Profile,
  Refusal,
  ReplayOptions,
  ReplayResult,
  Result,
  RunControl,
  Seamcalls,
  Session,
  StrategyResult,
  TdDescription,
  TdOptions,
  TdReport,
  TdVmControl,
  Term,
  VcpuExit,
  WhatIf,
};
export {
  /** A cost profile of the package by name; throws Failure `usage` for another name. */
  builtInProfile,
  /** Makes a TD of these options and tears copies of it down by every strategy asked for. */
  compareFresh,
  /** The same with a TD of the host, which stays as it is. */
  compareTd,
  /** Makes a part of a TD's memory shared, or private again; resolves to `tdx-sim/td/v1`. */
  convertTd,
  /** KVM_CREATE_VM, INIT_VM and the vCPUs of a new TD on the host; resolves to `tdx-sim/td/v1`. */
  createTd,
  /** The profile of the published teardown times; `docs/credibility.md` tells how far it goes. */
  DEFAULT_PROFILE,
  /** How runs are driven and priced unless told: spans, seed 1, `DEFAULT_PROFILE`. */
  DEFAULT_SESSION,
  /** Makes a TD of these options, populates it and tears it down; resolves to `tdx-sim/result/v1`. */
  destroyFresh,
  /** Tears a TD of the host down, or goes on with a teardown that was stopped. */
  destroyTd,
  /** Every error that is not a bug of the package: `kind`, `hint`, and what KVM answered. */
  Failure,
  /** KVM repeats a SEAMCALL for ever; what it did before is done. */
  KvmLivelock,
  /** What every kernel generation calls, retries, refuses and leaks: `tdx-sim/kernels/v1`. */
  kernelsDocument,
  /** `LEAF:STATUS[|OPERAND]@k=N` for `session.faults`; throws Failure `usage` for an illegal one. */
  parseFault,
  /** A cost profile from parsed JSON; throws Failure `data` naming each fault. */
  parseProfile,
  /** Bytes of `16G`, `4KiB` ...; throws Failure `usage` for what is no size. */
  parseSize,
  /** An idea that no kernel has, for `session.whatIf`; throws Failure `usage` for an unknown one. */
  parseWhatIf,
  /** Adds the initial image, finalizes and faults memory in; resolves to `tdx-sim/td/v1`. */
  populateTd,
  /** Takes a part of a TD's memory away for now; resolves to `tdx-sim/td/v1`. */
  punchTd,
  /** A run ended because `shouldStop` said so; the same call goes on with it. */
  RunStopped,
  /** Replays SEAMCALL vectors (NDJSON, gzip too); resolves to `tdx-sim/replay/v1`. */
  replay,
  /** Fills in what is not given with the default TD; throws Failure `usage` for impossible values. */
  resolveTdOptions,
  /** One simulated machine: TDX module, KVM, TDs. `boot`, `clone`, `snapshot`, `restore`. */
  SimulatedHost,
  /** A TD driven ioctl by ioctl. */
  TdVm,
  /** Version of this package. */
  VERSION,
};
