#!/usr/bin/env bash
# Installs the Debian packages that Innkeeper needs, as far as they are missing.
# Usage: deploy/packages.sh build|test
#   build  what it takes to build and run the server
#   test   that, and what the tests and checks use

set -euo pipefail

for_build=(
  ccache
  cmake
  g++
  golang-github-gogo-googleapis-dev # google/rpc/*.proto
  libabsl-dev
  libgoogle-glog-dev
  libgrpc++-dev
  libjemalloc-dev
  libprotobuf-dev
  librocksdb-dev
  libssl-dev
  ninja-build
  nlohmann-json3-dev
  prometheus-cpp-dev
  protobuf-compiler
  protobuf-compiler-grpc
)

for_tests=(
  ca-certificates
  clang-14
  clang-format
  clang-tidy
  git
  libclang-rt-14-dev # libFuzzer
  libgmock-dev
  libgtest-dev
  python3
  python3-grpcio
  python3-protobuf
  python3-venv
  shellcheck
)

# Commands that are as good from elsewhere as from their package.
declare -A for_tests_unless=([go]=golang-go [npm]=npm)

is_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# Prints the packages that are missing for `purpose`, one a line.
missing_for() {
  local purpose=$1 package command
  local wanted=("${for_build[@]}")
  if [[ $purpose == test ]]; then
    wanted+=("${for_tests[@]}")
    for command in "${!for_tests_unless[@]}"; do
      command -v "$command" >/dev/null || wanted+=("${for_tests_unless[$command]}")
    done
  fi
  for package in "${wanted[@]}"; do
    is_installed "$package" || echo "$package"
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get --quiet=2 --option=Dpkg::Use-Pty=0 --option=DPkg::Lock::Timeout=300 "$@"
}

# Installs with the package lists that are there; if they are missing or too
# old, fetches them and tries again.
install() {
  local log
  log=$(mktemp)
  if apt install --yes --no-install-recommends "$@" >"$log" 2>&1 ||
    { apt update && apt install --yes --no-install-recommends "$@"; } >"$log" 2>&1; then
    rm -f "$log"
    return
  fi
  cat "$log" >&2
  rm -f "$log"
  return 1
}

main() {
  local purpose=${1:-}
  if [[ $# -ne 1 || ! $purpose =~ ^(build|test)$ ]]; then
    echo "usage: deploy/packages.sh build|test" >&2
    exit 2
  fi
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system: install by hand what corresponds to" \
      "${for_build[*]}, and remove the call of deploy/packages.sh." >&2
    exit 1
  fi

  local missing
  mapfile -t missing < <(missing_for "$purpose")
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    echo "Packages are missing, and there is no sudo to install them. As root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing ${missing[*]}"
  install "${missing[@]}"
}

main "$@"
