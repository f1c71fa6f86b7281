/** `--color WHEN`, or false for `--no-color`. */
export type ColourOption = "auto" | "always" | "never" | false;

export interface ColourQuestion {
  readonly option: ColourOption;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
}

/**
 * Whether one stream gets colour; decided here because chalk does not honour `NO_COLOR`. The
 * first that speaks decides: the option, `NO_COLOR` (not empty), `FORCE_COLOR`,
 * `CLICOLOR_FORCE`, `TERM=dumb`, whether it is a terminal.
 */
export function wantsColour({ option, environment, isTerminal }: ColourQuestion): boolean {
  if (option === "always") return true;
  if (option !== "auto") return false;
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  const clicolor = environment["CLICOLOR_FORCE"] ?? "";
  if (clicolor !== "" && clicolor !== "0") return true;
  return environment["TERM"] !== "dumb" && isTerminal;
}
