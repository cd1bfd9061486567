#!/bin/bash
# python_packages.sh NAME MODULE PACKAGE...: installs packages of PyPI into an environment of their
# own, build/NAME, unless Python finds MODULE there.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
[ $# -ge 3 ] || { echo "usage: bash docker/python_packages.sh NAME MODULE PACKAGE..." >&2; exit 2; }
name="$1"
module="$2"
shift 2
log="$root/build/$name-install.log"
! "$root/build/$name/bin/python" -c "import $module" 2>/dev/null || exit 0
echo "installing $* into build/$name" >&2
bash "$root/docker/install.sh" peers >&2
mkdir -p "$root/build"
if ! { python3 -m venv "$root/build/$name" && "$root/build/$name/bin/pip" install -q "$@"; } \
  >"$log" 2>&1; then
  echo "python_packages.sh: $* cannot be installed into build/$name; see $log" >&2
  exit 1
fi
