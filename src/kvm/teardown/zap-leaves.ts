import type { KvmHost, KvmVm } from "../vm.ts";
import { ALL_FRAMES, type FrameRange } from "./leaf-entries.ts";
import { reclaimLeaves } from "./reclaim.ts";
import { removeLeaves } from "./runtime-removal.ts";

/**
 * Zaps the private leaves of a range. What KVM does with one depends on whether the HKID is
 * assigned: it is removed from a TD with keys (kvm-teardown C.1), and reclaimed otherwise (C.3,
 * D.2). Where releasing the HKID failed, leaves therefore go the slow way, and fail if the TD is
 * blocked (C.4, INFERRED).
 *
 * @param phase what the calls are counted under; by default the phase of the teardown that it is
 */
export function* zapLeaves(
  host: KvmHost,
  vm: KvmVm,
  range: FrameRange = ALL_FRAMES,
  phase?: string,
): Generator<void, void> {
  if (vm.state.hkid === null) {
    // A teardown that goes on after the release must not begin this phase a second time.
    if (vm.memory.leafCount(0) + vm.memory.leafCount(1) === 0) return;
    yield* reclaimLeaves(host, vm, range, phase ?? "reclaim-private");
  } else yield* removeLeaves(host, vm, range, phase ?? "remove-private");
}
