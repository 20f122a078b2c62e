# shellcheck shell=bash
# What the tests of deploy/run.sh share. They run it from a foreign directory,
# with a data directory of their own.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=$(mktemp -d)
runner=
trap 'end_runner TERM; rm -rf "$data"' EXIT
cd /

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Starts deploy/run.sh with a server that stays, and waits until it has printed
# all its commands, which it leaves in $data/printed.
start_runner() {
  local line
  exec {printed}< <(exec "$root/deploy/run.sh" --port 0 --data "$data" 2>&1)
  runner=$!
  while read -r line <&"$printed"; do
    printf '%s\n' "$line" >>"$data/printed"
    [[ $line != */ListRooms ]] || return 0
  done
  cat "$data/printed"
  fail "deploy/run.sh ended"
}

# Ends deploy/run.sh with a signal and returns its status.
end_runner() {
  local ended=$runner
  runner=
  [[ -z $ended ]] || { kill "-$1" "$ended" && wait "$ended"; }
}

# Prints the id of the server on the test's data, if there is one.
server_id() {
  local process
  for process in /proc/[0-9]*; do
    if [[ $(readlink "$process/exe") == */innkeeper-server ]] &&
      grep --quiet --null-data --line-regexp -e "--data_dir=$data/store" "$process/cmdline"; then
      echo "${process#/proc/}"
    fi
  done 2>/dev/null
}
