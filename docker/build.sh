#!/bin/bash
# build.sh KIND [TARGET...]: builds into build/KIND, where KIND is release, address or thread (the
# sanitizers). Prints one line, or the end of the log when the build fails.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
kind="$1"
shift
build="$root/build/$kind"
mkdir -p "$build"
log="$build/build.log"
options=()
case "$kind" in
  release) ;;
  planted) options+=(-DVARSCOPE_PLANTED_FAULTS=ON) ;;
  *) options+=(-DVARSCOPE_SANITIZE="$kind") ;;
esac
! command -v ccache >/dev/null || options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
targets=()
for target in "$@"; do targets+=(--target "$target"); done
echo "building build/$kind (log: build/$kind/build.log)"
if ! { cmake -S "$root" -B "$build" -G Ninja "${options[@]}" &&
  cmake --build "$build" "${targets[@]}"; } >"$log" 2>&1; then
  grep -E 'error|FAILED' -A5 "$log" | tail -40 >&2 || tail -40 "$log" >&2
  echo "the build failed; the whole log is in $log" >&2
  exit 1
fi
