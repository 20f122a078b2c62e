#!/usr/bin/env bash
# Builds Innkeeper and runs it on this machine, for development: on the embedded
# storage in ./data, on the loopback interface, with credentials of its own.

set -euo pipefail

readonly usage="usage: deploy/run.sh [--demo] [--port N] [--data DIR] [-- SERVER_FLAG...]
  --demo      create, upgrade, read and watch rooms on the server, then stop it
  --port N    listen on 127.0.0.1:N; 0 takes a free port
              (default: 50051, with --demo 0)
  --data DIR  where the rooms and the credentials are (default: ./data of the
              source tree)
  the rest    goes to innkeeper-server; see innkeeper-server --help"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly build="$root/build/release"
readonly server_name=localhost

demo=false
port=
data="$root/data"
server_flags=()
server_pid=
demo_pid=

fail() {
  echo "deploy/run.sh: $*" >&2
  exit 1
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --demo) demo=true ;;
      --port | --data)
        (($# > 1)) || fail "$1 needs a value"
        if [[ $1 == --port ]]; then port=$2; else data=$(realpath -m "$2"); fi
        shift
        ;;
      --help | -h)
        echo "$usage"
        exit
        ;;
      --)
        shift
        server_flags=("$@")
        break
        ;;
      *)
        echo "$usage" >&2
        exit 2
        ;;
    esac
    shift
  done
  if [[ -z $port ]]; then
    if $demo; then port=0; else port=50051; fi
  fi
  [[ $port =~ ^[0-9]{1,5}$ ]] || fail "--port: '$port' is not a port"
}

build_programs() {
  local log
  log=$(mktemp)
  if [[ ! -f $build/build.ninja ]]; then
    (cd "$root" && cmake --preset release -DINNKEEPER_TESTS=OFF) >"$log" 2>&1 ||
      { cat "$log" >&2; fail "cmake failed"; }
    echo "Building; this takes some minutes the first time"
  fi
  cmake --build "$build" --target innkeeper-server innkeeper-demo -- --quiet >"$log" 2>&1 ||
    { cat "$log" >&2; fail "the build failed"; }
  rm -f "$log"
}

# Writes a token for a principal that may do everything, and the server's file
# with the token's hash, unless they are there.
make_credentials() {
  [[ -f $data/dev/token && -f $data/dev/tokens.json ]] && return
  local token hash
  token=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
  hash=$(printf '%s' "$token" | sha256sum | cut -d' ' -f1)
  (
    umask 077
    mkdir -p "$data/dev"
    printf '%s\n' "$token" >"$data/dev/token"
    cat >"$data/dev/tokens.json" <<END
{
  "principals": [
    {
      "name": "developer",
      "tokens": ["$hash"],
      "roles": ["create", "upgrade", "read-all", "watch", "admin"],
      "users": ["*"]
    }
  ]
}
END
  )
}

stop() {
  local pid
  for pid in $demo_pid $server_pid; do
    kill -TERM "$pid" 2>/dev/null && wait "$pid"
  done
}

# Starts the server and sets `address` when it serves. setpriv has the server
# told to end should this script be killed outright.
start_server() {
  local line
  exec {server_output}< <(exec setpriv --pdeathsig TERM "$build/server/innkeeper-server" \
    --listen_address="127.0.0.1:$port" --data_dir="$data" --server_name="$server_name" \
    --tokens_file="$data/dev/tokens.json" --reflection --log_dir="$data/log" \
    "${server_flags[@]}")
  server_pid=$!
  while read -r line <&"$server_output"; do
    if [[ $line =~ ^innkeeper\ ready\ on\ (.+)$ ]]; then
      address=${BASH_REMATCH[1]}
      return
    fi
    echo "$line"
  done
  fail "the server did not start"
}

print_commands() {
  local token service=innkeeper.v1.RoomLifecycle
  token=$(<"$data/dev/token")
  local grpcurl="grpcurl -plaintext -H 'authorization: Bearer $token'"
  cat <<END

Innkeeper serves on $address. Its rooms are in $data,
its token in $data/dev/token. Stop it with Ctrl-C.

grpcurl talks to it: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.8.9,
or https://github.com/fullstorydev/grpcurl/releases. Paste into another shell:

# What it can do
grpcurl -plaintext $address describe $service

# Watch what happens (best in a shell of its own)
$grpcurl -d '{"position": "START_POSITION_OLDEST"}' \\
  $address $service/WatchRoomEvents

# Create a room
room=\$($grpcurl -d '{
    "creator": "@alice:$server_name", "name": "Common room", "topic": "Who is in, who is out",
    "encryption_algorithm": "m.megolm.v1.aes-sha2",
    "invites": ["@bob:$server_name", "@carol:elsewhere.example"]}' \\
  $address $service/CreateRoom | tee /dev/stderr | grep -om1 '![^"]*')

# Read it
$grpcurl -d "{\"room_id\": \"\$room\"}" $address $service/GetRoom
$grpcurl -d "{\"room_id\": \"\$room\"}" $address $service/GetRoomState

# Replace it by a room of version 12
$grpcurl -d "{
    \"room_id\": \"\$room\", \"requester\": \"@alice:$server_name\", \"new_version\": \"12\"}" \\
  $address $service/UpgradeRoom

# All rooms
$grpcurl $address $service/ListRooms

END
}

run_demo() {
  echo "Innkeeper serves on $address"
  echo
  "$build/client/demo/innkeeper-demo" --target="$address" --token_file="$data/dev/token" \
    --server_name="$server_name" &
  demo_pid=$!
  wait "$demo_pid"
  demo_pid=
  kill -TERM "$server_pid"
  wait "$server_pid" || fail "the server did not stop cleanly"
  server_pid=
  echo
  echo "The server has stopped."
}

main() {
  parse_arguments "$@"
  trap stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  "$root/deploy/packages.sh" build
  build_programs
  make_credentials
  start_server
  if $demo; then
    run_demo
  else
    print_commands
    wait "$server_pid"
  fi
}

main "$@"
