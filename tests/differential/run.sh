#!/bin/bash
# run.sh [--minutes N] [--seed S] [--keep FOLDER]: runs random graphs through the client library and
# through TensorFlow for N minutes (default 10), shrinks and prints what differs, and ends with a
# table of it; exit code 1 when something differs. --keep: writes each difference, and what agrees,
# as recordings for conformance/data/differential.json (add_recordings.py adds them). TensorFlow comes from
# PyPI into build/tensorflow (2 GB).
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
fail() {
  echo "run.sh: $*; usage: bash tests/differential/run.sh [--minutes N] [--seed S] [--keep FOLDER]" >&2
  exit 2
}
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) [[ "${2:-}" =~ ^[1-9][0-9]{0,4}$ ]] || fail "--minutes needs a number from 1, not '${2:-}'" ;;
    --seed) [[ "${2:-}" =~ ^[0-9]{1,9}$ ]] || fail "--seed needs a number, not '${2:-}'" ;;
    --keep) [ -n "${2:-}" ] && { [ ! -e "$2" ] || [ -d "$2" ]; } || fail "--keep needs a folder, not '${2:-}'" ;;
    *) fail "unknown argument '$1'" ;;
  esac
  arguments+=("$1" "$2")
  shift 2
done
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_differential varscoped >&2
bash "$root/docker/python_packages.sh" tensorflow tensorflow 'tensorflow==2.21.*'
export PYTHONDONTWRITEBYTECODE=1
"$root/build/tensorflow/bin/python" "$root/tests/differential/main.py" \
  --binary "$root/build/release/bin/varscope_differential" ${arguments[@]+"${arguments[@]}"}
