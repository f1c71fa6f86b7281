import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A file that came with the package, by its path below the package's root: the root lies above
 * the bundle as well as above the sources.
 *
 * @throws Error when it is not there: the package is not whole
 */
export function packageFile(...path: readonly string[]): string {
  for (let directory = __dirname; ; directory = dirname(directory)) {
    const file = join(directory, ...path);
    if (existsSync(file)) return file;
    if (directory === dirname(directory)) throw new Error(`${path.join("/")} is missing`);
  }
}
