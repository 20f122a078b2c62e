#!/usr/bin/env bash
# Checks C++ sources with clang-tidy, thread-safety annotations included.
# Usage: tests/lint/tidy.sh BUILD_DIR
#
# Takes the sources that differ from the main branch, or on main itself from the
# commit before; with INNKEEPER_FULL=1, or without git, all of them.

set -euo pipefail

build=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Prints the commit to compare with.
base() {
  local main commit
  for main in origin/main main; do
    commit=$(git merge-base "$main" HEAD 2>/dev/null) || continue
    if [[ $commit == "$(git rev-parse HEAD)" ]]; then
      git rev-parse --verify --quiet HEAD~1
    else
      echo "$commit"
    fi
    return
  done
  return 1
}

# Prints the sources that the build compiles, one a line.
compiled() {
  sed -n 's|^ *"file": "\(.*\)"$|\1|p' "$commands/compile_commands.json" |
    sed -n "s|^$PWD/||p" | grep -v '^build/' | sort -u
}

# Prints the sources to check. A header stands for the source of its name.
chosen() {
  local commit
  if [[ -n ${INNKEEPER_FULL:-} ]] || ! commit=$(base); then
    compiled
    return
  fi
  { git diff --name-only "$commit"; git ls-files --others --exclude-standard; } |
    sed 's|\.h$|.cc|' | sort -u | comm -12 - <(compiled)
}

commands=$(mktemp --directory)
trap 'rm -rf "$commands"' EXIT
tests/lint/commands.py "$build" >"$commands/compile_commands.json"

mapfile -t files < <(chosen)
echo "${#files[@]} sources"
((${#files[@]} == 0)) && exit
printf '%s\0' "${files[@]}" |
  xargs --null --max-args=1 --max-procs="$(nproc)" clang-tidy --quiet -p "$commands" 2>&1 |
  { grep -vE '^[0-9]+ warnings? generated\.$' || true; }
