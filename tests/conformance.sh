#!/bin/bash
# conformance.sh [DIR]: runs the recordings of TensorFlow in DIR (default: the project's own) through
# the client library against real daemons. Exit code 1 when something falls short.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
directory="$(realpath "${1:-$root/tests/conformance/data}")"
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_conformance >&2
"$root/build/release/bin/varscope_conformance" "$directory"
