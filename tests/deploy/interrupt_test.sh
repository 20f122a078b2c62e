#!/usr/bin/env bash
# However deploy/run.sh is ended, its server ends with it.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/support.sh"

for signal in INT TERM KILL; do
  start_runner
  server=$(server_id)
  [[ -n $server ]] || fail "no server was started"
  end_runner "$signal" || true
  timeout 60 tail --pid="$server" -f /dev/null || fail "the server outlived SIG$signal"
done
