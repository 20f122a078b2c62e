#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line is
# "N passed, N failed", with ", N skipped" if there are any.

set -euo pipefail

readonly usage="usage: tests/run.sh [--full] [--only PRESET] [--filter REGEX]
  --full          the long form of the suites that have one, every source through
                  clang-tidy, and the unit, conformance and end-to-end tests
                  again under AddressSanitizer with UndefinedBehaviorSanitizer
                  (asan) and under ThreadSanitizer (tsan), and a minute of
                  libFuzzer for each fuzz target (fuzz)
  --only PRESET   release, asan, tsan or fuzz: only this build
  --filter REGEX  only tests whose names match"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly results="$root/build/results"

presets=(release)
filter=
failed_steps=()

refuse_arguments() {
  echo "$usage" >&2
  exit 2
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --full)
        export INNKEEPER_FULL=1
        presets=(release asan tsan fuzz)
        ;;
      --only)
        [[ ${2:-} =~ ^(release|asan|tsan|fuzz)$ ]] || refuse_arguments
        presets=("$2")
        shift
        ;;
      --filter)
        (($# > 1)) || refuse_arguments
        filter=$2
        shift
        ;;
      --help | -h)
        echo "$usage"
        exit
        ;;
      *) refuse_arguments ;;
    esac
    shift
  done
}

# Prints the ids of the servers that were started under this run. They all
# inherited its mark.
left_over_servers() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(readlink "$process/exe") == "$root"/build/*/innkeeper-server ]] &&
      grep --quiet --null-data --line-regexp "INNKEEPER_TEST_RUN=$INNKEEPER_TEST_RUN" \
        "$process/environ" &&
      echo "${process#/proc/}"
  done 2>/dev/null || true
}

stop_left_over_servers() {
  local servers
  mapfile -t servers < <(left_over_servers)
  ((${#servers[@]} == 0)) || kill -KILL "${servers[@]}"
}

# Fetches what some suites need from registries; without it they are skipped.
fetch_tools() {
  local tool
  for tool in grpcurl buf synapse; do
    "$root/tests/tools/$tool.sh" >/dev/null || echo "There is no $tool: its suites will be skipped."
  done
}

build() {
  local preset=$1 log="$results/$1.log"
  echo "== $preset: building"
  if ! { cmake --preset "$preset" &&
    cmake --build --preset "$preset" -- --quiet; } >"$log" 2>&1; then
    cat "$log"
    failed_steps+=("build of $preset")
    return 1
  fi
}

run_tests() {
  local preset=$1 options=(--output-junit "$results/$1.xml" --parallel "$(nproc)")
  [[ $preset =~ ^(release|fuzz)$ ]] || options+=(--label-regex '^(unit|conformance|e2e)$')
  [[ -n ${INNKEEPER_FULL:-} ]] || options+=(--label-exclude '^full$')
  [[ -z $filter ]] || options+=(--tests-regex "$filter")
  echo "== $preset: testing"
  ctest --preset "$preset" --no-tests=ignore "${options[@]}" || true
  [[ -f $results/$preset.xml ]] || failed_steps+=("ctest of $preset")
}

check_left_over_servers() {
  local servers
  servers=$(left_over_servers)
  [[ -z $servers ]] || failed_steps+=("a test left servers running: ${servers//$'\n'/ }")
}

main() {
  parse_arguments "$@"
  cd "$root"
  export INNKEEPER_TEST_RUN="$$.$EPOCHREALTIME"
  trap stop_left_over_servers EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM

  deploy/packages.sh test
  rm -rf "$results"
  mkdir -p "$results"
  fetch_tools
  local preset
  for preset in "${presets[@]}"; do
    if build "$preset"; then run_tests "$preset"; fi
  done
  check_left_over_servers
  /usr/bin/python3 tests/summary.py "$results" "${failed_steps[@]}"
}

main "$@"
