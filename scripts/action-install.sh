#!/usr/bin/env bash
# First step of action.yml: installs the package in a folder of its own.
# TDX_SIM_PACKAGE: a version on the registry or a tarball; TDX_SIM_PREFIX: the folder.
set -euo pipefail
mkdir -p "$TDX_SIM_PREFIX"
npm install --no-audit --no-fund --ignore-scripts --prefix "$TDX_SIM_PREFIX" "$TDX_SIM_PACKAGE"
"$TDX_SIM_PREFIX/node_modules/.bin/tdx-sim" --version
