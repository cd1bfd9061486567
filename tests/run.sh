#!/bin/bash
# run.sh [--sanitize=address|thread]: installs what is missing, builds, runs every test.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
kind=release
for argument in "$@"; do
  case "$argument" in
    --sanitize=address | --sanitize=thread) kind="${argument#--sanitize=}" ;;
    -h | --help) echo "usage: bash tests/run.sh [--sanitize=address|thread]"; exit 0 ;;
    *)
      echo "run.sh: unknown argument '$argument'; usage: bash tests/run.sh [--sanitize=address|thread]" >&2
      exit 2
      ;;
  esac
done
bash "$root/docker/install.sh" build test
bash "$root/docker/build.sh" "$kind"
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS="suppressions=$root/tests/support/lsan.supp:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$root/tests/support/tsan.supp:halt_on_error=0:exitcode=66:"
# A pull locks all its variables, in one order; the detector holds no more than 64.
TSAN_OPTIONS+="allocator_may_return_null=1:ignore_noninstrumented_modules=1:detect_deadlocks=0"
ctest --test-dir "$root/build/$kind" --output-on-failure -j "$(nproc)"
