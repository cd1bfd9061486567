#!/bin/bash
# arm64.sh: builds varscoped and the unit tests for arm64, and runs with an emulator those tests that
# say which bits recovery and the wire must have on every processor. Needs root, for debootstrap.
# The libraries stay in ${VARSCOPE_ARM64_ROOT:-/var/cache/varscope/arm64}, the build in build/arm64.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
sysroot="${VARSCOPE_ARM64_ROOT:-/var/cache/varscope/arm64}"
[ $# -eq 0 ] || {
  echo "arm64.sh: unknown argument '$1'; usage: bash tests/arm64.sh" >&2
  exit 2
}
cannot() {
  printf 'arm64.sh: not run: %s\n' "$1" >&2
  exit 77
}
[ "$(id -u)" -eq 0 ] || cannot "it needs root, for debootstrap"
bash "$root/docker/install.sh" build arm64
build="$root/build/arm64"
log="$build/build.log"
mkdir -p "$build"

# Unpacked, not installed: nothing in it is run but the libraries, by the emulator.
unpack() {
  local made packages mirror file link target
  packages="$(awk '($1 == "build" || $1 == "test") && $2 ~ /^lib.*-dev$|^nlohmann|^zlib1g-dev$/ {
    print $2 }' "$root/docker/packages.txt" | paste -sd, -)"
  mirror="$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')"
  [ -n "$mirror" ] || cannot "this machine's apt sources have no bookworm"
  mkdir -p "$(dirname "$sysroot")"
  made="$(mktemp -d "$sysroot.XXXXXX")"
  trap 'rm -rf --one-file-system "$made"' RETURN
  debootstrap --arch=arm64 --foreign --variant=minbase \
    --include="$packages,libc6-dev,libstdc++-12-dev" bookworm "$made" "$mirror"
  for file in "$made"/var/cache/apt/archives/*.deb; do dpkg -x "$file" "$made"; done
  # What generates code runs here.
  ln -s "$(command -v protoc)" "$(command -v grpc_cpp_plugin)" "$made/usr/bin"
  for file in csharp node objective_c php python ruby; do
    ln -sf "$(command -v true)" "$made/usr/bin/grpc_${file}_plugin"
  done
  find "$made/usr/lib" -type l -lname '/*' | while read -r link; do
    target="$made$(readlink "$link")"
    [ ! -e "$target" ] || ln -sfn "$(realpath --relative-to="$(dirname "$link")" "$target")" "$link"
  done
  mv "$made" "$sysroot"
  mkdir "$made"  # for the trap
}
fail() {
  grep -m 1 -A 5 -E 'error|FAILED|^E: ' "$log" >&2 || tail -5 "$log" >&2
  echo "arm64.sh: $1; the log is $log" >&2
  exit 1
}
if [ ! -e "$sysroot/usr/lib/aarch64-linux-gnu/libgrpc++.so" ]; then
  echo "unpacking arm64's libraries to $sysroot (log: build/arm64/build.log)"
  unpack >"$log" 2>&1 || fail "there are no libraries"
fi
cat >"$build/toolchain.cmake" <<EOF
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_SYSROOT $sysroot)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} $sysroot/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} $sysroot)
EOF
echo "building build/arm64 (log: build/arm64/build.log)"
{ cmake -S "$root" -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST &&
  cmake --build "$build" --target varscoped --target varscope_unit_test; } >"$log" 2>&1 ||
  fail "the build failed"
qemu-aarch64-static -L "$sysroot" "$build/bin/varscoped" --version
exec qemu-aarch64-static -L "$sysroot" "$build/tests/varscope_unit_test" --gtest_brief=1 \
  --gtest_filter='*Bits*:*PortableMath*:*Initializers*:*Philox*:*Crc32c*:*Encoding*:*Frame*:*DType*:*ValueCheck*:*PushRecord*'
