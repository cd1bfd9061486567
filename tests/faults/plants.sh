#!/bin/bash
# plants.sh: shows that the harness catches bugs. Builds a daemon that can be made wrong on purpose
# (server/planted.h), runs with each fault the scenario that must notice it, and fails when one goes
# unnoticed, or when a scenario complains without a fault.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
[ $# -eq 0 ] || { echo "plants.sh: unknown argument '$1'; it takes none" >&2; exit 2; }
bash "$root/docker/install.sh" build test >&2
bash "$root/docker/build.sh" planted varscope_faults >&2

unnoticed=0
# try PLANT SCENARIO CYCLES
try() {
  local output
  output="$("$root/build/planted/bin/varscope_faults" --scenario "$2" --cycles "$3" 2>/dev/null)" ||
    true
  if ! VARSCOPE_PLANT="$1" "$root/build/planted/bin/varscope_faults" \
    --scenario "$2" --cycles "$3" >"$root/build/planted/plant.log" 2>/dev/null; then
    if [[ "$output" == *BROKEN* ]]; then
      echo "$2 is broken without any fault: $output"
      unnoticed=$((unnoticed + 1))
    else
      echo "$1: caught by $(tail -1 "$root/build/planted/plant.log")"
    fi
  else
    echo "$1: NOT caught by $2"
    unnoticed=$((unnoticed + 1))
  fi
}

try skip-fsync power-loss 8
try ack-early power-loss 20
try forget-answer cut-connections 20
try snapshot-without-ledger snapshots 8
try torn-snapshot snapshots 100
try snapshot-without-slots snapshots 8
try snapshot-ahead kill-server 60
try half-push kill-server 8
try ignore-fence wake-the-dead 4
try ignore-death kill-one 4
exit "$((unnoticed > 0))"
