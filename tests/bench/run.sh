#!/bin/bash
# run.sh [--quick] [--with-tensorflow] [--with-redis] [OPTION of varscope_bench...]: measures varscope
# beside the limits of this machine, and beside its peers, in one run. Prints a table, and writes
# build/bench.json, tests/bench/RESULTS.md and tests/bench/growth.svg (with --quick or another option:
# build/bench.md and build/growth.svg). TensorFlow comes from PyPI into build/tensorflow, Redis from Debian.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
table="$root/tests/bench/RESULTS.md"
plot="$root/tests/bench/growth.svg"
quick=()
peers=()
options=()
with_tensorflow=false
with_redis=false
for argument in "$@"; do
  case "$argument" in
    --quick) quick=(--quick) ;;
    --with-tensorflow) with_tensorflow=true ;;
    --with-redis) with_redis=true ;;
    *) options+=("$argument") ;;
  esac
done
# Only a whole run is published.
if [ ${#quick[@]} -gt 0 ] || [ ${#options[@]} -gt 0 ]; then
  table="$root/build/bench.md"
  plot="$root/build/growth.svg"
fi
bash "$root/docker/install.sh" build test plot >&2
! $with_redis || bash "$root/docker/install.sh" redis >&2
bash "$root/docker/build.sh" release varscope_bench varscoped varscopectl >&2
if $with_tensorflow; then
  python="$root/build/tensorflow/bin/python"
  if ! "$python" -c 'import tensorflow' 2>/dev/null; then
    echo "installing TensorFlow into build/tensorflow" >&2
    python3 -m venv "$root/build/tensorflow"
    "$root/build/tensorflow/bin/pip" install -q 'tensorflow==2.21.*' >&2
  fi
  echo "measuring TensorFlow" >&2
  "$python" "$root/tests/bench/tensorflow_peer.py" "$root/build/tensorflow.json" "${quick[@]}" \
    2>"$root/build/tensorflow.log" || { tail -20 "$root/build/tensorflow.log" >&2; exit 1; }
  peers+=(--peer "$root/build/tensorflow.json")
fi
if $with_redis; then
  bash "$root/docker/build.sh" release varscope_redis_peer >&2
  echo "measuring Redis" >&2
  "$root/build/release/bin/varscope_redis_peer" "$root/build/redis.json" "${quick[@]}" >&2
  peers+=(--peer "$root/build/redis.json")
fi
"$root/build/release/bin/varscope_bench" --json "$root/build/bench.json" --table "$table" \
  "${quick[@]}" "${peers[@]}" "${options[@]}"
# A run of one section has no growth to show.
if [ ${#options[@]} -eq 0 ]; then
  /usr/bin/python3 "$root/tests/bench/plot.py" "$root/build/bench.json" "$plot"
fi
