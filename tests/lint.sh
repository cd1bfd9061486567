#!/bin/bash
# lint.sh [REVISION]: clang-format over every file; with REVISION also clang-tidy over the C++ files
# that changed since then. Needs a build (tests/run.sh) for clang-tidy's compile commands.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"
bash docker/install.sh build test
git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
echo "clang-format: all files agree"
[ $# -gt 0 ] || exit 0
mapfile -t changed < <(git diff --name-only --diff-filter=d "$1" -- '*.cc')
[ ${#changed[@]} -gt 0 ] || exit 0
# GCC's precompiled headers are not clang's.
commands="$(mktemp -d)"
trap 'rm -rf "$commands"' EXIT
sed -E 's/-Winvalid-pch//g; s/-include [^ ]*cmake_pch.hxx//g; s/ccache //g' \
  build/release/compile_commands.json >"$commands/compile_commands.json"
printf '%s\n' "${changed[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -quiet -p "$commands"
echo "clang-tidy: ${#changed[@]} files agree"
