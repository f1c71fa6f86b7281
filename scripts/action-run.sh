#!/usr/bin/env bash
# Second step of action.yml: annotations on stdout, a JUnit report, Markdown on the summary page.
# TDX_SIM_PREFIX: where the package is; TDX_SIM_SCENARIOS: patterns, one a line;
# TDX_SIM_ARGUMENTS: further arguments, split at blanks; TDX_SIM_REPORT: path of the report.
set -euo pipefail
shopt -s globstar nullglob
files=()
while IFS= read -r pattern; do
  [ -n "$pattern" ] || continue
  # Unquoted, so that the pattern becomes the files it names; nothing else is split.
  IFS= matches=($pattern)
  if [ ${#matches[@]} -eq 0 ]; then
    echo "::error title=tdx-sim::no scenario matches $pattern"
    exit 66
  fi
  files+=("${matches[@]}")
done <<<"$TDX_SIM_SCENARIOS"
read -r -a arguments <<<"${TDX_SIM_ARGUMENTS:-}"
exec "$TDX_SIM_PREFIX/node_modules/.bin/tdx-sim" run --format github \
  --export "junit=$TDX_SIM_REPORT" ${arguments[@]+"${arguments[@]}"} -- "${files[@]}"
