#!/usr/bin/env bash
# The demo succeeds, succeeds again on what the first run left, and stops its
# server.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/support.sh"

for _ in first second; do
  "$root/deploy/run.sh" --demo --data "$data" | tee "$data/printed"
  for expected in room.created room.upgraded m.room.tombstone m.room.encryption 'successor  '; do
    grep --quiet --fixed-strings "$expected" "$data/printed" || fail "no $expected"
  done
  [[ -z $(server_id) ]] || fail "a server is left"
done

for file in token tokens.json; do
  [[ $(stat --format=%a "$data/dev/$file") == 600 ]] || fail "others can read $file"
done
