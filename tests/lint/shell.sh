#!/usr/bin/env bash
# Checks the shell scripts with shellcheck.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t scripts < <(grep --recursive --files-with-matches --max-count=1 '^#!.*\bbash' \
  .ci deploy tests)
shellcheck "${scripts[@]}"
