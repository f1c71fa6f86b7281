export interface GlyphQuestion {
  /** `--ascii` was given. */
  readonly ascii: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
}

/**
 * Whether block characters may be printed: on a terminal whose locale is UTF-8 (the first of
 * LC_ALL, LC_CTYPE and LANG that is set decides). Pipes and files get ASCII, so that the same
 * input gives the same bytes in every locale.
 */
export function wantsUnicode({ ascii, environment, isTerminal }: GlyphQuestion): boolean {
  if (ascii || !isTerminal || environment["TERM"] === "dumb") return false;
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"]
    .map((name) => environment[name] ?? "")
    .find((value) => value !== "");
  return /utf-?8/i.test(locale ?? "");
}
