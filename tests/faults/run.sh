#!/bin/bash
# run.sh [--minutes N] [--cycles N] [--seed S] [--scenario NAME]: breaks real servers and workers
# (kill -9, SIGSTOP, cut, delayed and repeated connections, full and failing disks, power failures),
# in every mode of synchronization, and checks that every acknowledged push was applied
# exactly once. Without flags: one seed, 200 kills of the server. --help lists the rest.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
usage="usage: bash tests/faults/run.sh [--minutes N] [--cycles N] [--workers N] [--seed S] [--scenario NAME]"
fail() {
  echo "run.sh: $1; $usage" >&2
  exit 2
}
# Before anything is built.
arguments=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) echo "$usage"; exit 0 ;;
    --minutes | --cycles | --workers | --seed)
      [[ "${2:-}" =~ ^[0-9]+$ ]] || fail "$1 needs a number, not '${2:-}'" ;;
    --scenario)
      grep -q "{\"${2:-}\"," "$root/tests/faults/main.cc" || fail "there is no scenario '${2:-}'" ;;
    *) fail "unknown argument '$1'" ;;
  esac
  shift 2
done
set -- ${arguments[@]+"${arguments[@]}"}
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_faults varscope_fault_worker varscoped >&2
[ $# -gt 0 ] || set -- --cycles 200
"$root/build/release/bin/varscope_faults" "$@"
