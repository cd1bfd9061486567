#!/bin/bash
# run.sh [--torch] [--only EXPRESSION]: installs the Python package from this clone into an environment
# of its own, build/python-venv, and runs its tests, or those that pytest's -k selects by the expression.
# Those for PyTorch run where it is installed; --torch installs it (5 GB).
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
usage="usage: bash tests/python/run.sh [--torch] [--only EXPRESSION]"
selected=()
with=()
fail() {
  echo "run.sh: $1; $usage" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case "$1" in
    --only)
      [ -n "${2:-}" ] || fail "--only needs an expression"
      selected=(-k "$2")
      shift
      ;;
    --torch) with=(--torch) ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'" ;;
  esac
  shift
done
bash "$root/tests/python/install.sh" ${with[@]+"${with[@]}"}
# The C++ program that evaluates what the frameworks train.
bash "$root/docker/build.sh" release varscope_classifier
exec "$root/build/python-venv/bin/python" -m pytest -q -p no:cacheprovider "$root/tests/python" \
  ${selected[@]+"${selected[@]}"}
