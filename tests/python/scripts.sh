#!/bin/bash
# scripts.sh DIR [OPTION...]: runs a folder of TensorFlow 1 scripts with the Python package of this
# clone, and prints a table; tests/python/scripts/run.py says what a folder has and which options there
# are. The packages that old scripts use beside TensorFlow are installed into build/python-venv, or have
# stand-ins.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
if [ $# -eq 0 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
  echo "usage: bash tests/python/scripts.sh DIR [--seconds S] [--only NAMES] [--reference PYTHON]"
  exit $(($# == 0 ? 2 : 0))
fi
[ -d "$1" ] || { echo "scripts.sh: there is no folder '$1'" >&2; exit 2; }
bash "$root/tests/python/install.sh"
python="$root/build/python-venv/bin/python"
"$python" -m pip install -q matplotlib pandas six scipy 'scikit-learn<1.7'
exec "$python" "$root/tests/python/scripts/run.py" "$@" --python "$python"
