#!/bin/bash
# run.sh [--quick] [--with-PEER...] [--only SECTION] [--what FIGURE] [--over TRANSPORT] [--bytes N]:
# measures varscope beside the limits of this machine, and beside its peers, in one run. Prints a
# table, and writes build/bench.json, tests/bench/RESULTS.md and tests/bench/growth.svg (with --quick
# or a choice: build/bench.md and build/growth.svg).
#
# Peers: tensorflow, torch and ray come from PyPI into build/tensorflow (2 GB), build/torch (5 GB:
# PyPI has torch for Linux only with CUDA's libraries) and build/ray; redis comes from Debian.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
build="$root/build"
bench="$build/release/bin/varscope_bench"
table="$root/tests/bench/RESULTS.md"
plot="$root/tests/bench/growth.svg"
quick=()
with=()
choice=()
fail() {
  echo "run.sh: $*" >&2
  exit 2
}
# The values that varscope_bench takes for an option, one a line.
values_of() {
  tr -d '\n' <"$root/tests/bench/main.cc" | grep -oP "Add\(\"$1\".*?;" |
    grep -oP 'OneOf\(\s*\{\K[^}]*' | grep -o '"[^"]*"' | tr -d '"'
}
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=(--quick) ;;
    --with-tensorflow | --with-torch | --with-ray | --with-redis) with+=("${1#--with-}") ;;
    --with-*)
      fail "there is no peer '${1#--with-}', only --with-tensorflow, --with-torch, --with-ray and" \
        "--with-redis"
      ;;
    --only | --what | --over)
      [ $# -ge 2 ] && values_of "$1" | grep -qxF -- "$2" ||
        fail "$1 takes no '${2:-}', only one of: $(values_of "$1" | paste -sd, | sed 's/,/, /g')"
      choice+=("$1" "$2")
      shift
      ;;
    --bytes)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,9}$ ]] && [ $(($2 % 4)) = 0 ] && [ "$2" -le $((1 << 30)) ] ||
        fail "--bytes takes no '${2:-}', only a multiple of 4 up to $((1 << 30)), such as 65536"
      choice+=("$1" "$2")
      shift
      ;;
    *)
      fail "unknown argument '$1'; give --quick, --with-PEER, --only SECTION, --what FIGURE," \
        "--over TRANSPORT or --bytes N"
      ;;
  esac
  shift
done
# Only a whole run is published.
if [ ${#quick[@]} -gt 0 ] || [ ${#choice[@]} -gt 0 ]; then
  table="$build/bench.md"
  plot="$build/growth.svg"
fi
bash "$root/docker/install.sh" build test plot >&2
bash "$root/docker/build.sh" release varscope_bench varscoped varscopectl varscope_classifier >&2

install_packages() {
  bash "$root/docker/python_packages.sh" "$@" || fail "there is no $1; run without --with-$1"
}
measure_peer() {
  local name="$1"
  shift
  echo "measuring $name" >&2
  "$@" "$build/$name.json" "${quick[@]}" 2>"$build/$name.log" ||
    fail "$name cannot be measured; see $build/$name.log, or run without --with-$name"
}
peers=()
for name in ${with[@]+"${with[@]}"}; do
  case "$name" in
    tensorflow) install_packages tensorflow tensorflow 'tensorflow==2.21.*' ;;
    torch) install_packages torch torch torch numpy ;;
    ray) install_packages ray ray ray numpy ;;
    redis)
      bash "$root/docker/install.sh" redis >&2
      bash "$root/docker/build.sh" release varscope_redis_peer >&2
      ;;
  esac
  program=("$build/$name/bin/python" "$root/tests/bench/${name}_peer.py")
  [ "$name" != redis ] || program=("$build/release/bin/varscope_redis_peer")
  measure_peer "$name" "${program[@]}"
  peers+=(--peer "$build/$name.json")
done
"$bench" --json "$build/bench.json" --table "$table" "${quick[@]}" "${peers[@]}" "${choice[@]}"
# A run of a part has no growth to show.
if [ ${#choice[@]} -eq 0 ]; then
  /usr/bin/python3 "$root/tests/bench/plot.py" "$build/bench.json" "$plot"
fi
