#!/bin/bash
# conformance.sh [--python] [DIR]: runs the recordings of TensorFlow in DIR (default: the project's
# own) through the client library, or through the Python package, against real servers. Exit code 1
# when something falls short.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
fail() {
  echo "conformance.sh: $1; usage: bash tests/conformance.sh [--python] [DIR]" >&2
  exit 2
}
python=false
[ "${1:-}" != --python ] || { python=true; shift; }
[ $# -le 1 ] || fail "too many arguments"
[[ "${1:-}" != -* ]] || fail "unknown argument '$1'"
given="${1-$root/tests/conformance/data}"
[ -d "$given" ] || fail "there is no folder '$given'"
directory="$(realpath "$given")"
for recording in scopes ops optimizers; do
  [ -r "$directory/$recording.json" ] || fail "'$given' has no $recording.json"
done
if $python; then
  bash "$root/tests/python/install.sh" >&2
  exec "$root/build/python-venv/bin/python" "$root/tests/python/conformance.py" "$directory"
fi
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_conformance >&2
"$root/build/release/bin/varscope_conformance" "$directory"
