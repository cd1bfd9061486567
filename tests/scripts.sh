#!/bin/bash
# scripts.sh: gives each script wrong inputs, and checks that it ends with code 2 at once, before it
# installs or builds anything, with one line that names what was wrong.
set -uo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
wrong=0
tried=0
# wrong SCRIPT NAMED ARGUMENT...: the line must contain NAMED.
wrong() {
  local script="$1" named="$2" code=0
  shift 2
  tried=$((tried + 1))
  timeout 20 bash "$script" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  [ "$code" = 2 ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] &&
    grep -qF -- "$named" "$work/err" && return
  wrong=$((wrong + 1))
  echo "$script $*: exit code $code, and it prints:"
  cat "$work/out" "$work/err"
}
for script in client/demo.sh tests/run.sh tests/bare.sh tests/package.sh tests/conformance.sh \
  tests/faults/run.sh tests/faults/failpoints.sh tests/faults/digits.sh tests/fuzz/run.sh \
  tests/integration/docker.sh tests/bench/run.sh tests/differential/run.sh tests/path/run.sh \
  tests/simulation/plants.sh; do
  wrong $script "'--no-such-flag'" --no-such-flag
  wrong $script "'-x'" -x
  wrong $script "'--'" --
done
wrong client/demo.sh "'mnist'" --example mnist
wrong client/demo.sh "--workers" --workers
wrong client/demo.sh "'0'" --workers 0
wrong client/demo.sh "'many'" --steps many
wrong client/demo.sh "'-5'" --steps -5
wrong tests/run.sh "'--sanitize=memory'" --sanitize=memory
wrong tests/run.sh "'unit'" unit
wrong tests/run.sh "--label" --label
wrong tests/bare.sh "'demo'" demo
wrong tests/bare.sh "'--as-user=bob'" --as-user=bob
wrong tests/package.sh "'somewhere'" somewhere
wrong tests/package.sh "'install'" install
wrong tests/conformance.sh "'/no/such/folder'" /no/such/folder
wrong tests/conformance.sh "scopes.json" "$work"
wrong tests/conformance.sh "too many" one two
wrong tests/conformance.sh "''" ""
wrong tests/differential/run.sh "'0'" --minutes 0
wrong tests/differential/run.sh "'soon'" --minutes soon
wrong tests/differential/run.sh "'-1'" --seed -1
wrong tests/differential/run.sh "--seed" --seed
wrong tests/differential/run.sh "'tests/README.md'" --keep tests/README.md
wrong tests/differential/run.sh "--keep" --keep
wrong tests/faults/run.sh "'soon'" --minutes soon
wrong tests/faults/run.sh "'no-scenario'" --scenario no-scenario
wrong tests/faults/run.sh "--cycles" --cycles
wrong tests/faults/run.sh "'-1'" --seed -1
wrong tests/faults/failpoints.sh "'all'" all
wrong tests/fuzz/run.sh "'0'" --seconds 0
wrong tests/fuzz/run.sh "'1m'" --seconds 1m
wrong tests/fuzz/run.sh "--seconds" --seconds
wrong tests/fuzz/run.sh "'zip'" zip
wrong tests/simulation/plants.sh "--seeds" --seeds 0
wrong tests/simulation/plants.sh "'weeds'" weeds
wrong tests/bench/run.sh "'mxnet'" --with-mxnet
wrong tests/bench/run.sh "'speed'" --only speed
wrong tests/bench/run.sh "only one of: ceilings, transfers, training" --only speed
wrong tests/bench/run.sh "only one of: tcp, unix, shm" --over udp
wrong tests/bench/run.sh "--only" --only
wrong tests/path/run.sh "'/no/such/folder'" --tree /no/such/folder
wrong tests/path/run.sh "'--all'" --all
wrong tests/bench/run.sh "'pull+pull'" --what pull+pull
wrong tests/bench/run.sh "'udp'" --quick --over udp
wrong tests/bench/run.sh "'6'" --bytes 6
wrong tests/bench/run.sh "'1MiB'" --bytes 1MiB
wrong tests/bench/run.sh "'quick'" quick
wrong tests/lint.sh "'no-such-revision'" no-such-revision
wrong tests/lint.sh "'HEAD HEAD'" HEAD HEAD
wrong docker/install.sh "'tset'" tset
wrong docker/install.sh "STAGE"
wrong docker/python_packages.sh "PACKAGE" tensorflow
wrong docker/build.sh "'debug'" debug
wrong docker/build.sh "''"
echo "$tried wrong inputs, $wrong without a one-line cure"
[ "$wrong" = 0 ]
