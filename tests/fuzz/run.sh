#!/bin/bash
# run.sh [--seconds N] [TARGET...]: fuzzes each target (default: all) for N seconds (default 60) under
# ASan and UBSan, from the corpus in tests/fuzz/corpus. A finding is left in build/fuzzer as crash-*,
# and ends with exit 1.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
seconds=60
known=(bundle frame link log npz protocol push safetensors snapshot)
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds)
      seconds="${2:-}"
      [[ "$seconds" =~ ^[1-9][0-9]{0,5}$ ]] ||
        { echo "run.sh: --seconds needs a number from 1, not '$seconds'" >&2; exit 2; }
      shift 2
      ;;
    *)
      [[ " ${known[*]} " == *" $1 "* ]] ||
        { echo "run.sh: unknown argument '$1'; usage: bash tests/fuzz/run.sh [--seconds N] [TARGET...], where TARGET is one of ${known[*]}" >&2; exit 2; }
      targets+=("$1")
      shift
      ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || targets=("${known[@]}")
bash "$root/docker/install.sh" build test fuzz
programs=()
for target in "${targets[@]}"; do programs+=("varscope_${target}_fuzz"); done
CXX=clang++-14 bash "$root/docker/build.sh" fuzzer "${programs[@]}"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
# Files that only one process reads.
[ ! -d /dev/shm ] || export TMPDIR=/dev/shm

fuzz() {
  local target="$1" log="$root/build/fuzzer/$1.log" found="$root/build/fuzzer/found-$1"
  local words="$root/tests/fuzz/words/$1" options=()
  [ ! -f "$words" ] || options+=("-dict=$words")
  mkdir -p "$found"
  if ! "$root/build/fuzzer/tests/varscope_${target}_fuzz" -max_total_time="$seconds" -max_len=4096 \
    -timeout=20 -rss_limit_mb=2048 -close_fd_mask=1 "${options[@]}" \
    -artifact_prefix="$root/build/fuzzer/crash-$target-" \
    "$found" "$root/tests/fuzz/corpus/$target" >"$log" 2>&1; then
    tail -40 "$log" >&2
    echo "$target: found a crash; its input is in build/fuzzer, the log in $log" >&2
    return 1
  fi
  echo "$target: $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log")s, $(grep -oE 'cov: [0-9]+' "$log" | tail -1)"
}

# Two at a time: each keeps one core busy.
failed=0
for ((at = 0; at < ${#targets[@]}; at += 2)); do
  running=()
  for target in "${targets[@]:at:2}"; do
    fuzz "$target" &
    running+=($!)
  done
  for job in "${running[@]}"; do wait "$job" || failed=1; done
done
exit "$failed"
