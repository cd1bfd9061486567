#!/bin/bash
# run.sh [--quick]: measures varscope beside the limits of this machine in one run. Prints a table,
# and writes build/bench.json and tests/bench/RESULTS.md (with --quick: build/bench.md).
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" release varscope_bench varscoped varscopectl >&2
table="$root/tests/bench/RESULTS.md"
for argument in "$@"; do
  [ "$argument" != --quick ] || table="$root/build/bench.md"
done
"$root/build/release/bin/varscope_bench" --json "$root/build/bench.json" --table "$table" "$@"
