#!/bin/bash
# demo.sh: three worker processes train one model on one server. Installs and builds what that needs,
# and nothing else.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
usage="usage: bash client/demo.sh [--example classifier|gan] [--workers N] [--steps N] [--sync]"
example=classifier
workers=3
options=()
fail() {
  echo "demo.sh: $1; $usage" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case "$1" in
    --example)
      example="${2:-}"
      [[ "$example" = classifier || "$example" = gan ]] || fail "there is no example '$example'"
      shift
      ;;
    --workers)
      workers="${2:-}"
      [[ "$workers" =~ ^[1-9][0-9]{0,2}$ ]] || fail "--workers needs a number from 1 to 999, not '$workers'"
      shift
      ;;
    --steps)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,8}$ ]] || fail "--steps needs a number from 1, not '${2:-}'"
      options+=(--steps "$2")
      shift
      ;;
    --sync) options+=(--sync) ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'" ;;
  esac
  shift
done

bash "$root/docker/install.sh" build
bash "$root/docker/build.sh" release --without-tests varscoped "varscope_$example"
bin="$root/build/release/bin"
data="$root/client/examples/data/digits.csv.gz"
dir="$(mktemp -d)"
processes=()
cleanup() {
  trap - EXIT
  [ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true
  wait
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'echo; echo "stopping"; exit 130' INT TERM

mkfifo "$dir/ready"
"$bin/varscoped" --listen 127.0.0.1:0 --ready-fd 9 --log-level warning 9>"$dir/ready" &
server=$!
processes+=("$server")
read -r -t 30 port <"$dir/ready" || { echo "demo.sh: the server did not start; what it says is above" >&2; exit 1; }
export VARSCOPE_TARGET="127.0.0.1:$port"
echo "varscoped (pid $server) serves on $VARSCOPE_TARGET; $workers workers train the $example"

trainers=()
for i in $(seq "$workers"); do
  "$bin/varscope_$example" --worker-id "worker-$i" --workers "$workers" --data "$data" \
    ${options[@]+"${options[@]}"} &
  trainers+=($!)
  processes+=($!)
done
for trainer in "${trainers[@]}"; do
  wait "$trainer" || { echo "demo.sh: a worker failed; what it says is above" >&2; exit 1; }
done

# What only looks at the store can be built when there is something to see.
bash "$root/docker/build.sh" release --without-tests varscopectl
echo
"$bin/varscopectl" list
echo
if [ "$example" = gan ]; then
  "$bin/varscope_gan" --worker-id painter --draw --png "$root/build/gan.png"
else
  "$bin/varscope_classifier" --worker-id judge --evaluate --at-least 0.96 --data "$data"
fi
