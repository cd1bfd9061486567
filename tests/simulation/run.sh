#!/bin/bash
# run.sh [--seeds N] [--minutes M] [--seed S]: builds the simulator and lets it search for stories that
# break a promise: N of them, from seed S on, or for M minutes. Prints how often each combination of
# dtype, optimizer or assignment, mode and durability was applied, and each request answered; with
# 1,000 seeds, or five minutes, also those that never were. Beside them the same store is kept in
# real files that are copied at random points: each copy must recover to the same bytes. What fails is
# told with its seed.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
usage="usage: bash tests/simulation/run.sh [--seeds N] [--minutes M] [--seed S]"
fail() { echo "run.sh: $1; $usage" >&2; exit 2; }
seeds=""
minutes=""
seed=1
while [ $# -gt 0 ]; do
  case "$1" in
    --seeds | --minutes | --seed)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1 needs a whole number from 1 to 999999999"
      declare "${1#--}=$2"
      shift
      ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'" ;;
  esac
  shift
done
[ -z "$seeds" ] || [ -z "$minutes" ] || fail "--seeds and --minutes are two ways to say how long"
[ -n "$seeds$minutes" ] || seeds=1000
bash "$root/docker/install.sh" build test
bash "$root/docker/build.sh" release varscope_simulation_test varscope_recovery_test
tests="$root/build/release/tests"
export VARSCOPE_SIMULATION_SEED="$seed" VARSCOPE_SEARCH_SEED="$seed"
# A few minutes reach all combinations.
if [ "${minutes:-0}" -ge 5 ] || [ "${seeds:-0}" -ge 1000 ]; then
  export VARSCOPE_SIMULATION_TABLE=1
fi
if [ -n "$minutes" ]; then
  export VARSCOPE_SIMULATION_SECONDS=$((minutes * 60)) VARSCOPE_SEARCH_MINUTES="$minutes"
  [ "$minutes" -lt 5 ] || export VARSCOPE_SEARCH_TABLE=1
else
  # One of these has 1,200 changes and some hundred recoveries from real files.
  export VARSCOPE_SIMULATION_SEEDS="$seeds" VARSCOPE_SEARCH_SEEDS=$(((seeds + 19) / 20))
  [ "$VARSCOPE_SEARCH_SEEDS" -lt 100 ] || export VARSCOPE_SEARCH_TABLE=1
fi
code=0
"$tests/varscope_recovery_test" --gtest_filter='RandomSearchTest.*' --gtest_brief=1 >"$tests/search.log" 2>&1 &
search=$!
"$tests/varscope_simulation_test" --gtest_filter='*RandomTest.*' --gtest_brief=1 || code=1
wait "$search" || code=1
cat "$tests/search.log"
exit "$code"
