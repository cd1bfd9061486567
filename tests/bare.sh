#!/bin/bash
# bare.sh [--demo-only] [--tests-first] [--as-user] [--no-cache]: runs the README's two commands as a
# new user would: on a bare Debian 12, in a clone of what is committed here, and checks what they
# print last. Needs root, debootstrap and mounts.
#   --demo-only    the first command alone
#   --tests-first  the second command, then the first
#   --as-user      as an ordinary user with sudo, instead of root without it
#   --no-cache     compiles everything; else a compiler cache is mounted: with --as-user one of its
#                  own, else this machine's
# The bare root stays in ${VARSCOPE_BARE_ROOT:-/var/cache/varscope/bookworm} as debootstrap left it;
# each run works on a copy, which it removes.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
bare="${VARSCOPE_BARE_ROOT:-/var/cache/varscope/bookworm}"
commands=(demo tests)
user=root
cache=true
for argument in "$@"; do
  case "$argument" in
    --demo-only) commands=(demo) ;;
    --tests-first) commands=(tests demo) ;;
    --as-user) user=varscope ;;
    --no-cache) cache=false ;;
    -h | --help) sed -n '2,/^set/{/^set/d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
    *)
      echo "bare.sh: unknown argument '$argument'; usage: bash tests/bare.sh [--demo-only | --tests-first] [--as-user] [--no-cache]" >&2
      exit 2
      ;;
  esac
done
fail() {
  printf 'bare.sh: %s\n' "$@" >&2
  exit 1
}
# This machine cannot do it: nothing is wrong with varscope.
cannot() {
  printf 'bare.sh: not run: %s\n' "$1" >&2
  exit 77
}
[ "$(id -u)" -eq 0 ] || cannot "it needs root, for debootstrap and chroot"
unshare --mount true 2>/dev/null || cannot "this machine allows no mounts"
case "$bare/" in "$root"/*) fail "VARSCOPE_BARE_ROOT must be outside of $root" ;; esac

if [ ! -e "$bare/etc/debian_version" ]; then
  command -v debootstrap >/dev/null || bash "$root/docker/install.sh" docker
  bash "$root/docker/bootstrap.sh" "$bare"
fi

# Mounts that are made from here on end with this shell.
[ "${VARSCOPE_UNSHARED:-}" = 1 ] || VARSCOPE_UNSHARED=1 exec unshare --mount --pid --fork bash "$0" "$@"
copy="$(mktemp -d "$(dirname "$bare")/run.XXXXXX")"
mounted=()
cleanup() {
  local i
  for ((i = ${#mounted[@]} - 1; i >= 0; --i)); do umount -l "${mounted[i]}"; done
  # Never through a mount that is still there.
  rm -rf --one-file-system "$copy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
attach() {
  mkdir -p "$copy$2"
  mount "${@:3}" "$1" "$copy$2"
  mounted+=("$copy$2")
}
cp -a --reflink=auto "$bare/." "$copy"
attach proc /proc -t proc
attach tmpfs /dev/shm -t tmpfs
cp -L /etc/resolv.conf "$copy/etc/resolv.conf" 2>/dev/null || true

inside() {
  # What reaches the network here may need these to reach it there.
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    chroot "$copy" "$@"
}
home=/root
if [ "$user" != root ]; then
  home=/home/$user
  inside apt-get -qq update
  inside env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends sudo \
    >/dev/null 2>&1
  inside useradd --create-home --shell /bin/bash "$user"
  echo "$user ALL=(ALL) NOPASSWD: ALL" >"$copy/etc/sudoers.d/$user"
fi
git clone -q --no-hardlinks "file://$root" "$copy$home/varscope"
inside chown -R "$user" "$home"
environment=""
if $cache; then
  folder="$(ccache -k cache_dir 2>/dev/null || echo ~/.cache/ccache)"
  # An ordinary user cannot write to root's.
  [ "$user" = root ] || folder="$(dirname "$bare")/ccache-$user"
  mkdir -p "$folder"
  [ "$user" = root ] || chown "$(inside id -u "$user")" "$folder"
  attach "$folder" /var/cache/ccache --bind
  environment="CCACHE_DIR=/var/cache/ccache"
fi

# Runs the command, checks that it ends well and with `expected`, and says how long it took from its
# start to the build, and from there to the first line that matches `progress`.
run() {
  local command="$1" expected="$2" progress="$3" log="$copy/command.log" start built first kept code=0
  echo "== $command, as $user on a bare Debian 12"
  start=$SECONDS
  inside su "$user" -c "cd ~/varscope && $environment $command" \
    </dev/null 2>&1 | while IFS= read -r line; do
    printf '%s %s\n' "$SECONDS" "$line"
  done >"$log" || code=$?
  sed 's/^[0-9]* //' "$log" | tail -5
  built="$(grep -m 1 -E '^[0-9]+ building ' "$log" | cut -d' ' -f1 || true)"
  first="$(grep -m 1 -E "^[0-9]+ .*$progress" "$log" | cut -d' ' -f1 || true)"
  # Tests that were skipped are named after the line that counts.
  if [ "$code" != 0 ] || ! tail -15 "$log" | grep -qE "$expected"; then
    kept="$(mktemp -t bare.XXXXXX.log)"
    sed 's/^[0-9]* //' "$log" >"$kept"
    fail "it ended with exit code $code, and should end with: $expected" "all that it printed is in $kept"
  fi
  echo "== $((SECONDS - start)) s: packages $((built - start)) s, build to first progress $((first - built)) s"
}
for command in "${commands[@]}"; do
  case "$command" in
    demo) run "bash client/demo.sh" 'accuracy' 'step' ;;
    tests) run "bash tests/run.sh" '100% tests passed' '1/[0-9]+ Test' ;;
  esac
done
