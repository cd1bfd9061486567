#!/bin/bash
# run.sh [--seconds N]: fuzzes each decoder for N seconds (default 60) under ASan and UBSan, from the
# corpus in tests/fuzz/corpus. A finding is left in build/fuzzer as crash-*, and ends with exit 1.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
seconds=60
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds)
      seconds="${2:-}"
      [[ "$seconds" =~ ^[1-9][0-9]{0,5}$ ]] ||
        { echo "run.sh: --seconds needs a number from 1, not '$seconds'" >&2; exit 2; }
      shift 2
      ;;
    *) echo "run.sh: unknown argument '$1'; usage: bash tests/fuzz/run.sh [--seconds N]" >&2; exit 2 ;;
  esac
done
bash "$root/docker/install.sh" build test fuzz
CXX=clang++-14 bash "$root/docker/build.sh" fuzzer varscope_frame_fuzz varscope_link_fuzz \
  varscope_push_fuzz
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

fuzz() {
  local target="$1" log="$root/build/fuzzer/$1.log" found="$root/build/fuzzer/found-$1"
  mkdir -p "$found"
  if ! "$root/build/fuzzer/tests/varscope_${target}_fuzz" -max_total_time="$seconds" -max_len=4096 \
    -timeout=10 -rss_limit_mb=2048 -close_fd_mask=1 -artifact_prefix="$root/build/fuzzer/crash-$target-" \
    "$found" "$root/tests/fuzz/corpus/$target" >"$log" 2>&1; then
    tail -40 "$log" >&2
    echo "$target: found a crash; its input is in build/fuzzer, the log in $log" >&2
    return 1
  fi
  echo "$target: $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log")s, $(grep -oE 'cov: [0-9]+' "$log" | tail -1)"
}

# All at once: each keeps one core busy at most.
running=()
for target in frame link push; do
  fuzz "$target" &
  running+=($!)
done
for job in "${running[@]}"; do wait "$job"; done
