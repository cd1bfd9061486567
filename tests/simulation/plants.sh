#!/bin/bash
# plants.sh [--seeds N] [PLANT...]: shows that random stories find bugs. Builds a server with
# failpoints (server/failpoint.h); with each of them on, the stories of the seeds from 1 on must go
# wrong, at the latest with seed N (default 10000). Prints the first seed that does, and what was
# wrong. Without any failpoint the same seeds must pass: simulation/run.sh shows that.
# torn-snapshot is not among them: it needs a second thread, and tests/faults/failpoints.sh finds it.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
usage="usage: bash tests/simulation/plants.sh [--seeds N] [PLANT...]"
fail() { echo "plants.sh: $1; $usage" >&2; exit 2; }
known=(skip-fsync ack-early drop-answer snapshot-without-completion-records snapshot-without-slots
  snapshot-ahead half-push ignore-fence ignore-death replay-judges keep-failed-segments sync-again
  fence-first failed-rollback-stays barrier-counts-twice)
seeds=10000
plants=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seeds)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,8}$ ]] || fail "--seeds needs a whole number from 1 to 999999999"
      seeds="$2"
      shift
      ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *)
      [[ " ${known[*]} " == *" $1 "* ]] || fail "there is no plant '$1', only: ${known[*]}"
      plants+=("$1")
      ;;
  esac
  shift
done
[ ${#plants[@]} -gt 0 ] || plants=("${known[@]}")
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" failpoints varscope_simulation_test >&2
log="$root/build/failpoints/plant.log"
missed=0
for plant in "${plants[@]}"; do
  # Barriers have stories of their own.
  filter='RandomTest.*'
  [ "$plant" != barrier-counts-twice ] || filter='BarrierRandomTest.*'
  if VARSCOPE_FAILPOINT="$plant" VARSCOPE_SIMULATION_SEEDS="$seeds" VARSCOPE_SIMULATION_SEED=1 \
    "$root/build/failpoints/tests/varscope_simulation_test" --gtest_filter="$filter" >"$log" 2>&1; then
    echo "$plant: NOT found in $seeds seeds"
    missed=$((missed + 1))
    continue
  fi
  seed="$(grep -m 1 -oE 'VARSCOPE_SIMULATION_SEED=[0-9]+' "$log" || true)"
  [ -n "$seed" ] || { echo "$plant: no story ended; see $log" >&2; missed=$((missed + 1)); continue; }
  wrong="$(grep -m 1 -oE 'Which is: .*' "$log" | cut -c11-170)"
  echo "$plant: found by seed ${seed#VARSCOPE_SIMULATION_SEED=}: $wrong"
done
exit "$((missed > 0))"
