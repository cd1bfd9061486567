#!/bin/bash
# build.sh KIND [--without-tests] [TARGET...]: builds into build/KIND, where KIND is release,
# address or thread (the sanitizers), fuzzer or failpoints. Prints one line, or the first error when
# it fails.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
kind="${1:-}"
tests=ON
options=()
case "$kind" in
  release) ;;
  failpoints) options+=(-DVARSCOPE_FAILPOINTS=ON) ;;
  address | thread | fuzzer) options+=(-DVARSCOPE_SANITIZE="$kind") ;;
  *)
    echo "build.sh: there is no kind '$kind' of build, only release, address, thread, fuzzer and failpoints" >&2
    exit 2
    ;;
esac
shift
[ "${1:-}" != --without-tests ] || { tests=OFF; shift; }
targets=()
for target in "$@"; do targets+=(--target "$target"); done
build="$root/build/$kind"
log="$build/build.log"
mkdir -p "$build"
options+=(-DVARSCOPE_BUILD_TESTS="$tests")
if command -v ccache >/dev/null; then
  # Precompiled headers, and clones in other folders, find what was compiled before. Depend mode: an
  # empty cache costs no second pass of the preprocessor.
  export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi

# Shows the first error of the log, and says what to do about it.
explain() {
  local first error cure="The whole log is in $log"
  first="$(grep -m 1 -n -E '^CMake Error|(^|[ :])(fatal )?error[: ]|^(mold|ld|collect2)[: ]|No space left|: not found$' "$log" | cut -d: -f1 || true)"
  [ -n "$first" ] || first=$(($(wc -l <"$log") > 5 ? $(wc -l <"$log") - 4 : 1))
  error="$(sed -n "$first,$((first + 5))p" "$log" | sed '/^ *$/d; /^ninja: /d; /^\[[0-9]*\/[0-9]*\]/d')"
  case "$(cat "$log")" in
    *"No space left on device"*) cure="Free some space ($build needs 1 GB), then start again." ;;
    *"Killed signal terminated program"* | *"out of memory"* | *"annot allocate memory"*)
      cure="There is too little memory: set CMAKE_BUILD_PARALLEL_LEVEL=1, then start again." ;;
  esac
  case "$error" in
    *"ould not find"* | *"ould NOT find"* | *"No such file or directory"* | *"cannot find -l"*)
      cure="Is a package missing? bash docker/install.sh build$([ $tests = OFF ] || echo ' test')" ;;
    *"CMakeCache.txt directory"* | *"does not match the generator"* | *"does not match the source"*)
      cure="The folder was moved or built by other means: remove $build, then start again." ;;
  esac
  printf '%s\nthe build failed. %s\n' "$error" "$cure" >&2
}
echo "building build/$kind (log: build/$kind/build.log)"
if ! { cmake -S "$root" -B "$build" -G Ninja "${options[@]}" &&
  cmake --build "$build" "${targets[@]}"; } >"$log" 2>&1; then
  explain
  exit 1
fi
