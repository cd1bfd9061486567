#!/bin/bash
# install.sh STAGE...: installs the packages of docker/packages.txt for these stages that are not
# there yet. Needs root or sudo only when something is missing.
set -euo pipefail
list="$(dirname "$0")/packages.txt"
missing=()
for stage in "$@"; do
  while read -r package; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
      missing+=("$package")
  done < <(awk -v stage="$stage" '$1 == stage { print $2 }' "$list")
done
[ ${#missing[@]} -gt 0 ] || exit 0
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
