#!/usr/bin/env bash
# Puts buf into build/tools/buf, from the npm registry, unless it is there, and
# prints its path. If that cannot be done, says why and exits 77.

set -euo pipefail

readonly version=1.75.0
readonly patience=300

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly prefix="$root/build/tools/buf-$version"
readonly buf="$prefix/node_modules/.bin/buf"

if [[ ! -x $buf ]]; then
  if ! command -v npm >/dev/null; then
    echo "there is no npm to install buf with"
    exit 77
  fi
  mkdir -p "$prefix"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! timeout "$patience" npm install --loglevel=error --no-fund --no-audit --prefix "$prefix" \
    "@bufbuild/buf@$version" >"$log" 2>&1; then
    echo "buf $version cannot be had from the npm registry: $(grep -m 1 code "$log" || tail -n 1 "$log")"
    exit 77
  fi
fi
echo "$buf"
