#!/bin/bash
# failpoints.sh: shows that the harness catches bugs. Builds a server with failpoints
# (server/failpoint.h), runs with each of them the scenario that must notice it, and fails when one
# goes unnoticed, or when a scenario complains without one.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
[ $# -eq 0 ] || { echo "failpoints.sh: unknown argument '$1'; it takes none" >&2; exit 2; }
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" failpoints varscope_faults >&2

unnoticed=0
# try FAILPOINT SCENARIO CYCLES
try() {
  local output
  output="$("$root/build/failpoints/bin/varscope_faults" --scenario "$2" --cycles "$3" 2>/dev/null)" ||
    true
  if ! VARSCOPE_FAILPOINT="$1" "$root/build/failpoints/bin/varscope_faults" \
    --scenario "$2" --cycles "$3" >"$root/build/failpoints/failpoint.log" 2>/dev/null; then
    if [[ "$output" == *BROKEN* ]]; then
      echo "$2 is broken without any fault: $output"
      unnoticed=$((unnoticed + 1))
    else
      echo "$1: caught by $(tail -1 "$root/build/failpoints/failpoint.log")"
    fi
  else
    echo "$1: NOT caught by $2"
    unnoticed=$((unnoticed + 1))
  fi
}

try skip-fsync power-loss 8
try ack-early power-loss 20
try drop-answer cut-connections 20
try snapshot-without-completion-records snapshots 8
try torn-snapshot snapshots 100
try snapshot-without-slots snapshots 8
try snapshot-ahead kill-server 60
try half-push kill-server 8
try ignore-fence wake-the-dead 4
try ignore-death kill-one 4
exit "$((unnoticed > 0))"
