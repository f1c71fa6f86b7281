import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";

const REFERENCES = fileURLToPath(new URL("../browser/reference", import.meta.url));
/** Where pictures that differ are left to be looked at. */
const DIFFERENT = fileURLToPath(new URL("../../.ci/out/pictures", import.meta.url));

/** Part of the pixels that may differ: fonts are drawn a little otherwise by each version. */
const SHARE_MAX = 0.02;
const COLOUR_TOLERANCE = 0.2;

/**
 * How a picture differs from its reference, or null when it does not. `UPDATE_PICTURES=1` makes
 * the picture the new reference: look at it before it is kept.
 */
export function differenceFrom(name: string, picture: Buffer): string | null {
  const path = join(REFERENCES, `${name}.png`);
  if (process.env["UPDATE_PICTURES"] === "1") {
    writeFileSync(path, picture);
    return null;
  }
  if (!existsSync(path)) return `there is no reference ${name}`;
  const [expected, actual] = [PNG.sync.read(readFileSync(path)), PNG.sync.read(picture)];
  const { width, height } = expected;
  if (actual.width !== width || Math.abs(actual.height - height) > height * SHARE_MAX) {
    keep(name, picture);
    return `${name} is ${actual.width} x ${actual.height}, not ${width} x ${height}`;
  }
  const rows = Math.min(height, actual.height);
  const bytes = rows * width * 4;
  const differing = pixelmatch(
    expected.data.subarray(0, bytes),
    actual.data.subarray(0, bytes),
    undefined,
    width,
    rows,
    { threshold: COLOUR_TOLERANCE },
  );
  const share = differing / (width * rows);
  if (share <= SHARE_MAX) return null;
  keep(name, picture);
  return `${name} differs in ${(share * 100).toFixed(1)} % of its pixels`;
}

function keep(name: string, picture: Buffer): void {
  const path = join(DIFFERENT, `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, picture);
}
