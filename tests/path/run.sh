#!/bin/bash
# run.sh [--tree FOLDER] [--list]: counts the code of the server that one more push runs: a dense
# gradient, asynchronous, over TCP, with the slots there already. Builds the tree (this one by
# default) with gcov, pushes 50 times to one server and 150 times to another, and takes what ran at
# least once more for each push.
#   --list  names the functions, too
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
tree="$(cd "$here/../.." && pwd)"
list=()
usage="usage: bash tests/path/run.sh [--tree FOLDER] [--list]"
fail() { echo "run.sh: $1" >&2; exit "${2:-1}"; }
while [ $# -gt 0 ]; do
  case "$1" in
    --tree)
      [ -f "${2:-}/CMakeLists.txt" ] || fail "'${2:-}' holds no CMakeLists.txt; $usage" 2
      tree="$(cd "$2" && pwd)"
      shift
      ;;
    --list) list=(--list) ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'; $usage" 2 ;;
  esac
  shift
done
bash "$here/../../docker/install.sh" build
build="$tree/build/coverage"
mkdir -p "$build"
log="$build/build.log"
echo "building $build (log: $log)"
# Calls stay calls: nothing is inlined.
{ cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DVARSCOPE_BUILD_TESTS=OFF \
  -DCMAKE_CXX_FLAGS="--coverage -O0 -g0" -DCMAKE_UNITY_BUILD=OFF \
  -DVARSCOPE_PUSH_SOURCE="$here/push.cc" -DCMAKE_PROJECT_varscope_INCLUDE="$here/inject.cmake" &&
  cmake --build "$build" --target varscoped --target varscope_push_path; } >"$log" 2>&1 ||
  { grep -m 1 -A5 -E 'error|FAILED' "$log" >&2; fail "the build failed; the log is $log"; }

work="$(mktemp -d)"
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
# Leaves in $work/PUSHES what the server ran.
count() {
  mkfifo "$work/ready"
  GCOV_PREFIX="$work/$1" "$build/bin/varscoped" --listen 127.0.0.1:0 --ready-fd 9 \
    --shared-memory-streams 0 --log-level error 9>"$work/ready" &
  server=$!
  read -r -t 60 port <"$work/ready" || fail "the server did not start"
  rm "$work/ready"
  GCOV_PREFIX="$work/worker" "$build/varscope_push_path" "127.0.0.1:$port" "$1" ||
    fail "the worker failed"
  kill -TERM "$server"
  wait "$server" || fail "the server did not stop cleanly"
}
count 50
count 150
python3 "$here/count.py" "$tree" "$build" "$work/50" "$work/150" 100 ${list[@]+"${list[@]}"}
