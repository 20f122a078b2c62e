#!/usr/bin/env bash
# Checks that the C++ sources are as clang-format would have them.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t files < <(find client server storage tests -name '*.cc' -o -name '*.h')
clang-format --dry-run --Werror "${files[@]}"
