#!/usr/bin/env bash
# Checks the API's definition against the rules in proto/buf.yaml.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

buf=$(tests/tools/buf.sh) || { status=$?; echo "$buf"; exit "$status"; }
"$buf" lint proto
