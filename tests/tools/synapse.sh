#!/usr/bin/env bash
# Puts Synapse, with the packages of tests/judge/requirements.txt, into a virtual
# environment under build/tools, from the Python package index, unless it is there, and
# prints the path of its Python. If that cannot be done, says why and exits 77.

set -euo pipefail

readonly patience=300

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly requirements="$root/tests/judge/requirements.txt"
pins=$(sha256sum "$requirements" | cut --characters 1-8)
readonly pins
readonly environment="$root/build/tools/synapse-$pins"
readonly complete="$environment/complete"

if [[ ! -f $complete ]]; then
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! /usr/bin/python3 -m venv --clear "$environment" >"$log" 2>&1; then
    echo "there is no virtual environment to install Synapse in: $(tail -n 1 "$log")"
    exit 77
  fi
  if ! timeout "$patience" "$environment/bin/pip" install --quiet --disable-pip-version-check \
    --no-input --only-binary :all: --requirement "$requirements" >"$log" 2>&1; then
    echo "Synapse cannot be had from the Python package index: $(grep -m 1 ERROR "$log" || tail -n 1 "$log")"
    exit 77
  fi
  touch "$complete"
fi
echo "$environment/bin/python"
