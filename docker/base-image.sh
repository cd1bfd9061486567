#!/bin/bash
# base-image.sh: makes debian:bookworm-slim from Debian's packages, for a machine that reaches no
# image registry. The image takes this machine's apt sources and resolver. Needs root.
set -euo pipefail
docker_folder="$(cd "$(dirname "$0")" && pwd)"
dir="$(mktemp -d)"
trap 'rm -rf --one-file-system "$dir"' EXIT
bash "$docker_folder/bootstrap.sh" "$dir/root"
rm -rf "$dir/root/var/cache/apt/archives" "$dir/root/var/lib/apt/lists" \
  "$dir/root/usr/share/doc" "$dir/root/usr/share/man" "$dir/root/usr/share/locale"
mkdir -p "$dir/root/var/cache/apt/archives/partial" "$dir/root/var/lib/apt/lists/partial"
tar -C "$dir/root" -c . | docker import --change 'CMD ["bash"]' - debian:bookworm-slim
