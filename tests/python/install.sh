#!/bin/bash
# install.sh [--torch]: installs the Python package from this clone, and what its tests need, into
# build/python-venv: JAX, and PyTorch with --torch (5 GB: PyPI has it for Linux only with CUDA's
# libraries). Prints one line, or the end of the log when it fails.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
frameworks=(jax optax safetensors)
if [ "${1:-}" = --torch ]; then
  frameworks+=(torch)
  shift
fi
[ $# -eq 0 ] || {
  echo "install.sh: unknown argument '$1'; usage: bash tests/python/install.sh [--torch]" >&2
  exit 2
}
bash "$root/docker/install.sh" build python
venv="$root/build/python-venv"
log="$root/build/python-install.log"
# The stubs are those that this version writes.
nanobind="$(grep -o 'nanobind==[0-9.]*' "$root/client/python/pyproject.toml")"
mkdir -p "$root/build"
echo "installing client/python into build/python-venv (log: build/python-install.log)"
if ! { { [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv "$venv"; } &&
  "$venv/bin/pip" install -q pytest ml_dtypes mypy tensorboard "$nanobind" "${frameworks[@]}" &&
  "$venv/bin/pip" install -v "$root/client/python"; } >"$log" 2>&1; then
  grep -m 1 -n -A 5 -E 'CMake Error|(^|[ :])(fatal )?error[: ]' "$log" >&2 || tail -5 "$log" >&2
  exit 1
fi
