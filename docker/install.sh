#!/bin/bash
# install.sh STAGE...: installs the packages of docker/packages.txt for these stages that are not
# there yet. Needs root or sudo only when something is missing.
set -euo pipefail
list="$(dirname "$0")/packages.txt"
fail() {
  printf 'install.sh: %s\n' "$@" >&2
  exit 1
}
stages=" $(awk '!/^#/ { print $1 }' "$list" | sort -u | tr '\n' ' ')"
[ $# -gt 0 ] || { echo "usage: bash docker/install.sh STAGE..., of:$stages" >&2; exit 2; }
for stage in "$@"; do
  [[ "$stages" = *" $stage "* ]] || { echo "install.sh: there is no stage '$stage', only:$stages" >&2; exit 2; }
done
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "varscope is built on Debian 12, and this system has no apt-get." \
    "Use Debian 12, or a container of it: docker/Dockerfile."

missing=()
for stage in "$@"; do
  while read -r package; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
      missing+=("$package")
  done < <(awk -v stage="$stage" '$1 == stage { print $2 }' "$list")
done
[ ${#missing[@]} -gt 0 ] || exit 0

by_hand="apt-get install --no-install-recommends ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    fail "packages are missing, and there is no sudo. Let root run:" "$by_hand"
  # Asks for the password, where there is a terminal.
  sudo -v || fail "packages are missing, and sudo refuses to install them. Let root run:" "$by_hand"
  as_root=(sudo)
fi
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
# Shows the first error of apt-get, with the cure that fits it.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" \
    >"$log" 2>&1 && return
  local error cure="Mend that, or let root run: $by_hand"
  error="$(grep -m 1 -E '^(E|dpkg|W): ' "$log" || grep -m 1 . "$log" || echo "apt-get $1 failed")"
  case "$(cat "$log")" in
    *"No space left"* | *"enough free space"*) cure="Free some space, then start again." ;;
    *"Could not resolve"* | *"Could not connect"* | *"Failed to fetch"* | *"timed out"*)
      cure="Packages come from the mirror in /etc/apt/sources.list*: is it right, and is there a network?" ;;
    *"Unable to locate package"* | *"has no installation candidate"*)
      cure="The packages are Debian 12's (bookworm); this is $(. /etc/os-release && echo "${PRETTY_NAME:-another system}")." ;;
    *"Could not get lock"* | *"Unable to lock"*) cure="Another apt-get is at work: wait for its end, then start again." ;;
  esac
  fail "$error" "$cure"
}
echo "installing ${#missing[@]} packages: ${missing[*]}"
apt update
apt install -y --no-install-recommends "${missing[@]}"
