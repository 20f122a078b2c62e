#!/usr/bin/env bash
# The commands that deploy/run.sh prints work when they are pasted.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/support.sh"

grpcurl=$("$root/tests/tools/grpcurl.sh") || { status=$?; echo "$grpcurl"; exit "$status"; }
PATH="$(dirname "$grpcurl"):$PATH"

start_runner

# All but the stream, which does not end.
sed -n '/^# Create a room/,$p' "$data/printed" >"$data/commands"
bash -euo pipefail "$data/commands" 2>&1 | tee "$data/output"
for expected in ROOM_STATUS_ACTIVE ROOM_STATUS_TOMBSTONED successor_room_id m.room.power_levels; do
  grep --quiet "$expected" "$data/output" || fail "no $expected"
done

# The stream, up to the upgrade.
sed -n '/^# Watch/,/^# Create a room/p' "$data/printed" >"$data/watch"
exec {stream}< <(exec bash "$data/watch" 2>&1)
watcher=$!
while read -r line <&"$stream"; do
  [[ $line != *room.upgraded* ]] || seen=true
  [[ -z ${seen:-} ]] || break
done
[[ -n ${seen:-} ]] || fail "the stream ended before the upgrade came"

bash -euo pipefail <(sed -n '/^# What it can do/,/^$/p' "$data/printed") |
  grep --quiet 'rpc CreateRoom' || fail "no reflection"
end_runner TERM || true
wait "$watcher" || true
