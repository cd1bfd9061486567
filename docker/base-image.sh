#!/bin/bash
# base-image.sh: makes debian:bookworm-slim from Debian's packages, for a machine that reaches no
# image registry. The image takes this machine's apt sources and resolver. Needs root.
set -euo pipefail
[ "$(id -u)" -eq 0 ] || { echo "base-image.sh needs root" >&2; exit 1; }
dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
debootstrap --variant=minbase bookworm "$dir/root" http://deb.debian.org/debian >"$dir/log" 2>&1 ||
  { tail -20 "$dir/log" >&2; exit 1; }
rm -rf "$dir/root/var/cache/apt/archives" "$dir/root/var/lib/apt/lists" \
  "$dir/root/usr/share/doc" "$dir/root/usr/share/man" "$dir/root/usr/share/locale"
mkdir -p "$dir/root/var/cache/apt/archives/partial" "$dir/root/var/lib/apt/lists/partial"
tar -C "$dir/root" -c . | docker import --change 'CMD ["bash"]' - debian:bookworm-slim
