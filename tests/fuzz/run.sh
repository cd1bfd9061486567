#!/bin/bash
# run.sh [--seconds N]: fuzzes each decoder for N seconds (default 30) under ASan and UBSan, from the
# corpus in tests/fuzz/corpus. A finding is left in build/fuzzer as crash-*, and ends with exit 1.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
seconds=30
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds)
      seconds="${2:-}"
      [[ "$seconds" =~ ^[0-9]+$ ]] || { echo "--seconds needs a number, not '$seconds'" >&2; exit 2; }
      shift 2
      ;;
    *) echo "usage: bash tests/fuzz/run.sh [--seconds N]" >&2; exit 2 ;;
  esac
done
bash "$root/docker/install.sh" build test fuzz
CXX=clang++-14 bash "$root/docker/build.sh" fuzzer varscope_frame_fuzz varscope_push_fuzz
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
for target in frame push; do
  found="$root/build/fuzzer/found-$target"
  mkdir -p "$found"
  log="$root/build/fuzzer/$target.log"
  if ! "$root/build/fuzzer/tests/varscope_${target}_fuzz" -max_total_time="$seconds" -max_len=4096 \
    -timeout=10 -rss_limit_mb=2048 -close_fd_mask=1 -artifact_prefix="$root/build/fuzzer/crash-$target-" \
    "$found" "$root/tests/fuzz/corpus/$target" >"$log" 2>&1; then
    tail -40 "$log" >&2
    echo "$target: found a crash; its input is in build/fuzzer, the log in $log" >&2
    exit 1
  fi
  echo "$target: $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log")s, $(grep -oE 'cov: [0-9]+' "$log" | tail -1)"
done
