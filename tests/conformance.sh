#!/bin/bash
# conformance.sh [DIR]: runs the recordings of TensorFlow in DIR (default: the project's own)
# through the client library against real servers. Exit code 1 when something falls short.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
fail() {
  echo "conformance.sh: $1; usage: bash tests/conformance.sh [DIR]" >&2
  exit 2
}
[ $# -le 1 ] || fail "too many arguments"
[[ "${1:-}" != -* ]] || fail "unknown argument '$1'"
given="${1-$root/tests/conformance/data}"
[ -d "$given" ] || fail "there is no folder '$given'"
directory="$(realpath "$given")"
for recording in scopes ops optimizers; do
  [ -r "$directory/$recording.json" ] || fail "'$given' has no $recording.json"
done
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_conformance >&2
"$root/build/release/bin/varscope_conformance" "$directory"
