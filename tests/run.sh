#!/bin/bash
# run.sh [--sanitize=address|thread] [--label REGEX]: installs what is missing, builds, runs every
# test, or those that have such a label: unit, recovery, simulation, fuzz, shm, tcp, once, concurrency,
# faults, large.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
usage="usage: bash tests/run.sh [--sanitize=address|thread] [--label REGEX]"
kind=release
labels=()
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --sanitize=address | --sanitize=thread) kind="${1#--sanitize=}" ;;
    --label)
      [ -n "${2:-}" ] || { echo "run.sh: --label needs a label; $usage" >&2; exit 2; }
      labels=(--label-regex "$2" --no-tests=error)
      [ "$2" != concurrency ] || targets=(varscope_concurrency_tests)
      shift
      ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "run.sh: unknown argument '$1'; $usage" >&2; exit 2 ;;
  esac
  shift
done
bash "$root/docker/install.sh" build test
bash "$root/docker/build.sh" "$kind" ${targets[@]+"${targets[@]}"}
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS="suppressions=$root/tests/support/lsan.supp:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$root/tests/support/tsan.supp:halt_on_error=0:exitcode=66:"
# Without ignore_noninstrumented_modules each library of Abseil is reported; with it the lock-order
# detector reports nothing, and would only end programs that hold more than 64 locks.
TSAN_OPTIONS+="allocator_may_return_null=1:ignore_noninstrumented_modules=1:detect_deadlocks=0"
# What reads beyond a tensor is seen there alone.
[ "$kind" != address ] || export VARSCOPE_RANDOM_SECONDS=60
# Most tests wait for others most of the time.
ctest --test-dir "$root/build/$kind" --output-on-failure -j "$((2 * $(nproc)))" ${labels[@]+"${labels[@]}"}
