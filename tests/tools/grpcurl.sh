#!/usr/bin/env bash
# Puts grpcurl into build/tools, from the Go module proxy, unless it is there,
# and prints its path. If that cannot be done, says why and exits 77.

set -euo pipefail

# The newest release that Debian 12's Go 1.19 builds.
readonly version=1.8.9
readonly patience=300

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly tools="$root/build/tools"
readonly grpcurl="$tools/grpcurl-$version/grpcurl"

if [[ ! -x $grpcurl ]]; then
  if ! command -v go >/dev/null; then
    echo "there is no Go to build grpcurl with"
    exit 77
  fi
  mkdir -p "$tools"
  log=$(mktemp)
  cache=$(mktemp -d "$tools/go.XXXXXX")
  trap 'rm -rf "$log" "$cache"' EXIT
  if ! GOPATH="$cache/path" GOCACHE="$cache/cache" GOBIN="$(dirname "$grpcurl")" GOTOOLCHAIN=local \
    GOFLAGS=-modcacherw timeout "$patience" \
    go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@v$version" >"$log" 2>&1; then
    echo "grpcurl $version cannot be had from the Go module proxy: $(tail -n 1 "$log" | sed "s/.*: //")"
    exit 77
  fi
fi
echo "$grpcurl"
