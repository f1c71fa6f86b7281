import type { KvmHost } from "./vm.ts";

/** The first LP of every package: where KVM makes the calls that one LP a package must make. */
export function onePerPackage(host: KvmHost): number[] {
  const packages = Math.max(...host.lpToPackage) + 1;
  return Array.from({ length: packages }, (_, i) => host.lpToPackage.indexOf(i));
}
