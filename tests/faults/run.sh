#!/bin/bash
# run.sh [--minutes N] [--cycles N] [--seed S] [--scenario NAME]: breaks real daemons and workers
# (kill -9, SIGSTOP, cut, delayed and repeated connections, full and failing disks, power failures),
# in every mode of synchronization, and checks that every acknowledged push was applied
# exactly once. Without flags: one seed, 200 kills of the server. --help lists the rest.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_faults varscope_fault_worker varscoped >&2
[ $# -gt 0 ] || set -- --cycles 200
"$root/build/release/bin/varscope_faults" "$@"
