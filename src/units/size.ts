import { Failure } from "./failure.ts";
import { GIB, KIB, MIB, TIB } from "./page.ts";

const UNITS = [
  { letter: "T", name: "TiB", bytes: TIB },
  { letter: "G", name: "GiB", bytes: GIB },
  { letter: "M", name: "MiB", bytes: MIB },
  { letter: "K", name: "KiB", bytes: KIB },
] as const;

const SIZE = /^(\d{1,16})(?:\.(\d{1,9}))? ?(?:([KMGT])(?:iB)?|B)?$/i;
const DECIMAL_SUFFIX = /^\d+(?:\.\d+)? ?[KMGT]B$/i;
const SIZE_HINT = "write a size as a number with K, M, G or T (binary), for example 16G";

/**
 * Bytes of a size as QEMU writes it: `16G`, `1.5G`, `4KiB`; a bare number is bytes.
 * Throws a `usage` Failure for anything else, and for sizes that are not whole bytes below 2^53.
 */
export function parseSize(text: string): number {
  const match = SIZE.exec(text);
  if (match === null) {
    const hint = DECIMAL_SUFFIX.test(text)
      ? "sizes are binary: write 16G or 16GiB, not 16GB"
      : SIZE_HINT;
    throw new Failure("usage", `${JSON.stringify(text)} is not a size`, { hint });
  }
  const [, whole = "", fraction = "", letter] = match;
  const unit = UNITS.find((candidate) => candidate.letter === letter?.toUpperCase());
  // Integers only, so that 0.1G is refused rather than rounded.
  const scaled = BigInt(whole + fraction) * BigInt(unit?.bytes ?? 1);
  const scale = 10n ** BigInt(fraction.length);
  if (scaled % scale !== 0n) {
    throw new Failure("usage", `${text} is not a whole number of bytes`, { hint: SIZE_HINT });
  }
  const bytes = scaled / scale;
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Failure("usage", `${text} is too large`, { hint: "sizes stay below 8192T" });
  }
  return Number(bytes);
}

/** Bytes as people read them, two decimals at most: `16 GiB`, `16.03 GiB`, `512 B`. */
export function formatSize(bytes: number): string {
  const unit = UNITS.find((candidate) => bytes >= candidate.bytes);
  if (unit === undefined) return `${bytes} B`;
  const text = Number((bytes / unit.bytes).toFixed(2));
  return `${text} ${unit.name}`;
}
