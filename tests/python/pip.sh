#!/bin/bash
# pip.sh [--bare]: runs `pip install ./client/python` as a new user would, in a clone of what is
# committed here and in a new environment, and checks what that installed. Then the same once more, in
# another environment and with nothing built: the compiler cache must know nine tenths of it.
#   --bare  on a bare Debian 12, after `docker/install.sh build python` there; and the wheel on another
#           one, which has no compiler and only the packages of `docker/install.sh run`. Needs root,
#           mounts, and debootstrap or the bare root that tests/bare.sh leaves.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
bare="${VARSCOPE_BARE_ROOT:-/var/cache/varscope/bookworm}"
usage="usage: bash tests/python/pip.sh [--bare]"
fail() {
  printf 'pip.sh: %s\n' "$@" >&2
  exit 1
}
# This machine cannot do it: nothing is wrong with varscope.
cannot() {
  printf 'pip.sh: not run: %s\n' "$1" >&2
  exit 77
}
case "$*" in
  "") on_bare=false ;;
  --bare) on_bare=true ;;
  -h | --help) echo "$usage"; exit 0 ;;
  *) echo "pip.sh: unknown argument '$1'; $usage" >&2; exit 2 ;;
esac

if $on_bare; then
  [ "$(id -u)" -eq 0 ] || cannot "it needs root, for chroot"
  unshare --mount true 2>/dev/null || cannot "this machine allows no mounts"
  if [ ! -e "$bare/etc/debian_version" ]; then
    command -v debootstrap >/dev/null || bash "$root/docker/install.sh" docker
    bash "$root/docker/bootstrap.sh" "$bare"
  fi
  # Mounts that are made from here on end with this shell.
  [ "${VARSCOPE_UNSHARED:-}" = 1 ] ||
    VARSCOPE_UNSHARED=1 exec unshare --mount --pid --fork bash "$0" "$@"
else
  bash "$root/docker/install.sh" build python
fi
work="$($on_bare && mktemp -d "$(dirname "$bare")/run.XXXXXX" || mktemp -d)"
mounted=()
cleanup() {
  local i
  for ((i = ${#mounted[@]} - 1; i >= 0; --i)); do umount -l "${mounted[i]}"; done
  # Never through a mount that is still there.
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
attach() {
  mkdir -p "$2"
  mount "${@:3}" "$1" "$2"
  mounted+=("$2")
}
# What reaches the network here may need these to reach it there.
settings=()
for name in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_DEFAULT_TIMEOUT \
  CMAKE_BUILD_PARALLEL_LEVEL; do
  [ -z "${!name:-}" ] || settings+=("$name=${!name}")
done
make_bare() {
  cp -a --reflink=auto "$bare/." "$1"
  attach proc "$1/proc" -t proc
  attach tmpfs "$1/dev/shm" -t tmpfs
  cp -L /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || true
  [ -z "${PIP_CERT:-}" ] || cp -L "$PIP_CERT" "$1/etc/pip-certificates.crt"
}
# Runs commands of a shell in a folder: of this machine, or of a bare one.
machine=""
run_in() {
  if [ -z "$machine" ]; then
    (cd "$1" && bash -euo pipefail -c "$2")
  else
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
      HOME=/root CCACHE_DIR=/var/cache/ccache ${settings[@]+"${settings[@]}"} \
      ${PIP_CERT:+PIP_CERT=/etc/pip-certificates.crt} \
      ${CCACHE_STATSLOG:+CCACHE_STATSLOG="${CCACHE_STATSLOG#"$machine"}"} \
      chroot "$machine" bash -euo pipefail -c "cd $1; $2"
  fi
}
# Shows a step, and how long it took; all that it prints when it fails.
log="$work/log"
step() {
  local start=$SECONDS
  echo "== $1${machine:+, on a bare Debian 12}"
  run_in "$2" "$3" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "that failed: $1"
  }
  grep '^installed.py: ' "$log" || true
  echo "== $((SECONDS - start)) s"
}
clone() {
  rm -rf "$machine$1"
  git clone -q --no-hardlinks "file://$root" "$machine$1"
}
hits_of() {
  awk '/^(direct|preprocessed)_cache_hit$/ { ++hits } /^cache_miss$/ { ++misses }
    END { print hits + 0, misses + 0 }' "$1"
}
missed_in() {
  awk '/^# / { file = $2 } /^cache_miss$/ { print "==   " file }' "$1"
}

if $on_bare; then
  machine="$work/builds"
  make_bare "$machine"
  cache="$(ccache -k cache_dir 2>/dev/null || echo ~/.cache/ccache)"
  mkdir -p "$cache"
  attach "$cache" "$machine/var/cache/ccache" --bind
  folder=/root/varscope
  environments=/root
else
  folder="$work/varscope"
  environments="$work"
fi
clone "$folder"
! $on_bare || step "bash docker/install.sh build python" "$folder" "bash docker/install.sh build python"
for turn in first second; do
  export CCACHE_STATSLOG="$machine$environments/$turn.statistics"
  : >"$CCACHE_STATSLOG"
  step "the $turn time: python3 -m venv env && env/bin/pip install ./client/python" "$folder" \
    "/usr/bin/python3 -m venv $environments/$turn && $environments/$turn/bin/pip install ./client/python"
  read -r hits misses < <(hits_of "$CCACHE_STATSLOG")
  echo "== the compiler cache knew $hits files, and $misses it did not"
  [ "$turn" = first ] || missed_in "$CCACHE_STATSLOG"
  step "what was installed" / \
    "$environments/$turn/bin/python $folder/tests/python/installed.py $folder/client/python/README.md"
  # What a first user would have, but for the cache.
  [ "$turn" = second ] || clone "$folder"
done
[ $((hits + misses)) -gt 0 ] || fail "pip's build did not use the compiler cache"
[ $((misses * 10)) -le "$hits" ] ||
  fail "the second build compiled $misses files that the first had compiled, of $((hits + misses))"
$on_bare || exit 0

unset CCACHE_STATSLOG
step "pip wheel ./client/python" "$folder" \
  "$environments/second/bin/pip wheel --no-deps -w /root/wheel ./client/python"
wheel="$(basename "$machine"/root/wheel/varscope-*.whl)"
built="$machine"
machine="$work/runs"
make_bare "$machine"
clone "$folder"
cp "$built/root/wheel/$wheel" "$machine/root/"
step "docker/install.sh run, and Python" "$folder" \
  "bash docker/install.sh run && apt-get install -y --no-install-recommends ca-certificates python3-venv"
step "pip install $wheel" /root "/usr/bin/python3 -m venv env && env/bin/pip install ./$wheel"
run_in / "! command -v c++ cmake protoc" || fail "that machine has a compiler: it shows nothing"
step "what was installed" / \
  "/root/env/bin/python $folder/tests/python/installed.py $folder/client/python/README.md"
