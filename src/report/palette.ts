import { type Palette, PLAIN_PALETTE } from "./layout.ts";

/**
 * Styles as terminal colours, or none. chalk decides nothing here: it does not honour NO_COLOR,
 * so whoever owns the stream decides and says so.
 */
export async function paletteFor(color: boolean): Promise<Palette> {
  if (!color) return PLAIN_PALETTE;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  return { ...PLAIN_PALETTE, strong: chalk.bold, faint: chalk.dim, good: chalk.green };
}
