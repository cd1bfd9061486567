#!/bin/bash
# bootstrap.sh FOLDER: makes a bare Debian 12 in FOLDER, from the mirror that this machine's apt uses.
# Needs root and debootstrap.
set -euo pipefail
target="${1:-}"
fail() { printf 'bootstrap.sh: %s\n' "$@" >&2; exit 1; }
[ -n "$target" ] || { echo "usage: bash docker/bootstrap.sh FOLDER" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || fail "it needs root"
[ ! -e "$target" ] || fail "'$target' exists already; remove it, or name another folder"
command -v debootstrap >/dev/null || fail "debootstrap is missing: bash docker/install.sh docker"
mirror="$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')"
[ -n "$mirror" ] || fail "this machine's apt sources have no bookworm; add a Debian 12 mirror to them"
mkdir -p "$(dirname "$target")"
made="$(mktemp -d "$target.XXXXXX")"
trap 'rm -rf --one-file-system "$made" "$made.log"' EXIT
debootstrap --variant=minbase bookworm "$made" "$mirror" >"$made.log" 2>&1 ||
  fail "debootstrap failed: $(grep -m 1 -E '^(E|W): ' "$made.log" || tail -1 "$made.log")"
chmod 755 "$made"
mv "$made" "$target"
