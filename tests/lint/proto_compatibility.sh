#!/usr/bin/env bash
# Checks that clients of the API on the main branch can go on with this one.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() {
  echo "$*"
  exit 77
}

# Prints the ref of the main branch as last fetched, else as it is here.
main_branch() {
  local ref
  for ref in refs/remotes/origin/main refs/heads/main; do
    if git show-ref --quiet --verify "$ref"; then
      echo "$ref"
      return
    fi
  done
  return 1
}

git_dir=$(git rev-parse --path-format=absolute --git-common-dir 2>/dev/null) || skip "this is not a git repository"
main=$(main_branch) || skip "there is no branch main to compare with"
git cat-file -e "$main:proto" 2>/dev/null || skip "main has no API definition"
buf=$(tests/tools/buf.sh) || { status=$?; echo "$buf"; exit "$status"; }
"$buf" breaking proto --against "$git_dir#ref=$main,subdir=proto"
