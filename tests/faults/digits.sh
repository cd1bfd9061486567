#!/bin/bash
# digits.sh [--seconds N]: trains the digit classifier of the examples with three workers, N seconds
# (default 600) without a log, as long at --durability async:100ms and as long at sync. Prints for
# each how many steps a second there were, what the server wrote, and how large its directory was at
# most. Ends with 1 when that was ever more than 256 MiB.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
usage="usage: bash tests/faults/digits.sh [--seconds N]"
seconds=600
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) echo "$usage"; exit 0 ;;
    --seconds)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,5}$ ]] ||
        { echo "digits.sh: --seconds needs a number from 1, not '${2:-}'; $usage" >&2; exit 2; }
      seconds="$2"
      shift
      ;;
    *) echo "digits.sh: unknown argument '$1'; $usage" >&2; exit 2 ;;
  esac
  shift
done
bash "$root/docker/install.sh" build >&2
bash "$root/docker/build.sh" release --without-tests varscoped varscope_classifier >&2
bin="$root/build/release/bin"
work="$(mktemp -d)"
processes=()
stop() {
  [ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true
  wait
  processes=()
}
trap 'stop; rm -rf "$work"' EXIT
limit=$((256 << 20))
too_large=0

# train LEVEL
train() {
  local level="$1" data="$work/$1" server port most=0 now step written end
  mkfifo "$work/ready"
  "$bin/varscoped" --listen 127.0.0.1:0 --ready-fd 9 --log-level warning --durability "$level" \
    --data-dir "$data" 9>"$work/ready" &
  server=$!
  processes+=("$server")
  read -r -t 60 port <"$work/ready" ||
    { echo "digits.sh: the server did not start; what it says is above" >&2; exit 1; }
  rm "$work/ready"
  for worker in 1 2 3; do
    VARSCOPE_TARGET="127.0.0.1:$port" "$bin/varscope_classifier" --worker-id "worker-$worker" \
      --workers 3 --steps 999999999 --data "$root/client/examples/data/digits.csv.gz" \
      >"$work/worker-$worker" &
    processes+=($!)
  done
  end=$((SECONDS + seconds))
  while [ "$SECONDS" -lt "$end" ]; do
    kill -0 "${processes[@]}" 2>/dev/null ||
      { echo "digits.sh: a process ended; what it says is above" >&2; exit 1; }
    # Files may go while they are counted.
    now="$(du -sb "$data" 2>/dev/null | cut -f1 || true)"
    [ "${now:-0}" -le "$most" ] || most="$now"
    sleep 0.1
  done
  step="$(grep -ohE 'step +[0-9]+' "$work"/worker-* | grep -oE '[0-9]+' | sort -n | tail -1)"
  written="$(awk '/^wchar/ { print $2 }' "/proc/$server/io")"
  stop
  printf '%-12s %10d %14.1f %20.1f\n' "$level" "$((step / seconds))" \
    "$(awk "BEGIN { print $most / 1048576 }")" \
    "$(awk "BEGIN { print $written / 1048576 / $seconds }")"
  [ "$most" -le "$limit" ] || too_large=1
}

printf '%-12s %10s %14s %20s\n' durability steps/s "MiB at most" "MiB/s written"
for level in none async:100ms sync; do train "$level"; done
[ "$too_large" = 0 ] || { echo "a directory had more than $((limit >> 20)) MiB" >&2; exit 1; }
