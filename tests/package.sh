#!/bin/bash
# package.sh [--installed-only]: builds and runs the README's program as other people would, from an
# empty folder: against an installed varscope by find_package, and with its sources by
# add_subdirectory and FetchContent, under warnings that varscope's own sources do not ask for.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
installed_only=false
case "${1:-}" in
  "") ;;
  --installed-only) installed_only=true ;;
  *) echo "package.sh: unknown argument '$1'; usage: bash tests/package.sh [--installed-only]" >&2; exit 2 ;;
esac
bash "$root/docker/install.sh" build
bash "$root/docker/build.sh" release --without-tests
work="$(mktemp -d)"
server=""
cleanup() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
fail() { printf 'package.sh: %s\n' "$@" >&2; exit 1; }
# Runs the command; shows what it printed only when it fails.
quietly() { "$@" >"$work/log" 2>&1 || { grep -m 5 -E 'error|Error' "$work/log" >&2 || tail -5 "$work/log" >&2; fail "this failed: $*"; }; }

quietly cmake --install "$root/build/release" --prefix "$work/prefix"
foreign="$(grep -rE '^ *#include "' "$work/prefix/include/varscope" | grep -v '#include "varscope/' || true)"
[ -z "$foreign" ] || fail "public headers include what is not public:" "$foreign"
"$work/prefix/bin/varscoped" --listen 127.0.0.1:0 --port-file "$work/port" --log-level warning &
server=$!
for _ in $(seq 100); do [ -s "$work/port" ] || sleep 0.1; done
[ -s "$work/port" ] || fail "the server did not start"
awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$root/README.md" |
  sed "s/127.0.0.1:7077/127.0.0.1:$(cat "$work/port")/" >"$work/main.cc"
grep -q 'int main' "$work/main.cc" || fail "the README has no program"

# try NAME LINES [FLAGS]: a project of these lines, the README's program, and these flags for all of
# it.
warnings="-Wall;-Wextra;-Werror;-Wconversion;-Wsign-conversion"
configure() {
  local folder="$work/$1"
  mkdir "$folder"
  cp "$work/main.cc" "$folder"
  cat >"$folder/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project($1 CXX)
$2
add_executable($1 main.cc)
target_link_libraries($1 PRIVATE varscope::varscope)
target_compile_options($1 PRIVATE $warnings)
install(TARGETS $1)
END
  local launcher=()
  ! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  quietly cmake -S "$folder" -B "$folder/build" -G Ninja "${launcher[@]}" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_INSTALL_PREFIX="$folder/installed" "${@:3}"
}
build_and_run() {
  local folder="$work/$1" printed
  quietly cmake --build "$folder/build"
  printed="$(timeout 60 "$folder/build/$1")" || fail "$1 ended with exit code $?"
  echo "$1: $printed"
  [[ "$printed" =~ ^model/w:0\ \[ ]] || fail "$1 should print model/w:0 and its value"
  quietly cmake --install "$folder/build"
  [ "$(cd "$folder/installed" && find . -type f)" = "./bin/$1" ] ||
    fail "$1 installs more than itself: $(cd "$folder/installed" && find . -type f | head -3)"
  if grep -q 'no-math-errno' <(ninja -C "$folder/build" -t commands "CMakeFiles/$1.dir/main.cc.o" | tail -1); then
    fail "$1 is compiled with varscope's own options"
  fi
}

configure by_find_package "find_package(varscope 0.1 REQUIRED)"
build_and_run by_find_package
$installed_only && exit 0
# What a git clone has.
git clone -q --no-hardlinks "file://$root" "$work/varscope"
configure by_fetch_content "include(FetchContent)
FetchContent_Declare(varscope GIT_REPOSITORY file://$root GIT_TAG HEAD)
FetchContent_MakeAvailable(varscope)"
configure by_add_subdirectory "add_subdirectory(../varscope varscope)" \
  "-DCMAKE_CXX_FLAGS=${warnings//;/ }" -DCMAKE_CXX_STANDARD=17
build_and_run by_add_subdirectory
