/** What `help TOPIC` prints. */
export const HELP_TOPICS = {
  "exit-codes": `Exit codes of tdx-sim

    0  done
    1  an expectation, threshold, baseline or replay failed
   64  wrong usage
   65  bad data: a damaged store, a malformed file
   66  no such input or TD
   69  the simulated kernel refused; errno, SEAMCALL and status are told
   70  a bug of tdx-sim
   73  an output cannot be created
   74  input or output failed
   75  the store is locked, try again
   78  bad configuration
  130  ended by SIGINT
  143  ended by SIGTERM
`,
  environment: `Environment variables of tdx-sim

  TDX_SIM_STORE    directory of the store; --store comes before it
  XDG_STATE_HOME   the store is its subdirectory tdx-sim otherwise (else ~/.local/state)
  NO_COLOR         no colour, when it is not empty
  FORCE_COLOR      colour: 0 none, 1 basic, 2 of 256, 3 of 16 million
  CLICOLOR_FORCE   colour also where there is no terminal
  TERM             dumb: neither colour nor progress bar
  TDX_SIM_DEBUG    1: errors come with their stack

  Colour is decided for each stream by the first of these that speaks: --color and
  --no-color, NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM, whether it is a terminal.
`,
  formats: `Output formats of tdx-sim, for --format and --export FORMAT=FILE

  table      for people (default), the same on a terminal and in a pipe
  json       one versioned document (schema tdx-sim/result/v1, tdx-sim/td/v1)
  ndjson     one flat JSON object a line: per strategy, or per TD
  csv        the same rows
  markdown   for mails and issues

  The same input gives the same bytes. Times are estimates and always ranges.
`,
} as const;
