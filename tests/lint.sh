#!/bin/bash
# lint.sh [REVISION | --all]: clang-format over every file; also clang-tidy over the C++ files that
# changed since REVISION, or over all.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"
if [ $# -gt 1 ] ||
  { [ "${1:-}" != --all ] && ! git rev-parse -q --verify "${1:-HEAD}^{commit}" >/dev/null; }; then
  echo "lint.sh: '$*' is no revision; usage: bash tests/lint.sh [REVISION | --all]" >&2
  exit 2
fi
bash docker/install.sh build test
git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
echo "clang-format: all files agree"
# Where there is no memory for what they make, these end the process instead of throwing.
if git grep -nE 'absl/strings/str_format\.h|directory_iterator\b' -- server/ proto/; then
  echo "lint.sh: the server formats with absl::StrCat or fmt, and lists with OpenDirectory" >&2
  exit 1
fi
# Where a later member throws, GCC 12 destroys the members of an aggregate within an aggregate twice,
# when the inner one's braces have no type before them. This finds those that name their members.
if git grep -nE '\{\{\.|(^|[{(,])\s*\.\w+ = \{\.' -- 'server/*.cc' 'server/*.h' 'proto/*.cc' 'proto/*.h'; then
  echo "lint.sh: an aggregate within another one has its type: {Inner{.a = ...}, ...}" >&2
  exit 1
fi
# Protobuf's classes for these (3.21) say that they are full before they have the memory: a message
# that is destroyed after std::bad_alloc would end the process. Repeated names and values have a
# map's bytes, fields of their own those of a oneof.
if git grep -nE '^\s*(map\s*<|oneof\b)' -- '*.proto'; then
  echo "lint.sh: no message has a map or a oneof; proto/varscope/v1/types.proto says why" >&2
  exit 1
fi
# The next allocation may fail as well: what handles std::bad_alloc takes no memory. It warns with a
# static constinit LimitedLog, and returns a status that was made before, or Said, which has one.
takes='(StrCat|StrAppend|StrJoin|Substitute|Error|to_string|insert|(emplace|push)_back)[(]'
takes+='|fmt::|std::string|make_(shared|unique)|[^_[:alnum:]]new '
taking="$(git ls-files 'server/*.cc' 'server/*.h' 'proto/*.cc' 'proto/*.h' | xargs awk -v takes="$takes" '
  FNR == 1 { depth = 0 }
  depth == 0 && match($0, /catch [(](const std::(bad_alloc|exception)&|[.][.][.])/) {
    where = FILENAME ":" FNR ": " $0
    handler = ""
    $0 = substr($0, RSTART)
    inside = 1
  }
  inside {
    depth += gsub(/[{]/, "{") - gsub(/[}]/, "}")
    handler = handler $0
    inside = depth > 0
    if (!inside && handler !~ /return Said[(]/ && handler ~ takes) print where
  }')"
if [ -n "$taking" ]; then
  echo "$taking"
  echo "lint.sh: what handles std::bad_alloc takes memory: use a static constinit LimitedLog, a" \
    "status that was made before, or Said" >&2
  exit 1
fi
[ $# -gt 0 ] || exit 0
if [ "$1" = --all ]; then
  mapfile -t changed < <(git ls-files '*.cc' ':!client/python')
else
  mapfile -t changed < <(git diff --name-only --diff-filter=d "$1" -- '*.cc' ':!client/python')
fi
[ ${#changed[@]} -gt 0 ] || exit 0
# client/python needs Python's headers and nanobind, which this does not install. Version 14, the
# default of Debian 12, does not read <source_location>. Each file on its own, and without precompiled
# headers: GCC's are not clang's.
commands="$(mktemp -d)"
trap 'rm -rf "$commands"' EXIT
cmake -S . -B "$commands" -G Ninja -DCMAKE_UNITY_BUILD=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
  >/dev/null
# The generated headers alone: ninja would build the libraries that they are part of.
mkdir -p "$commands/proto"
git ls-files 'proto/*.proto' | sed 's,^proto/,,' |
  xargs protoc -I proto --cpp_out="$commands/proto" --grpc_out="$commands/proto" \
    --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)"
git ls-files '*.proto' ':!proto' | xargs protoc -I . -I proto --cpp_out="$commands"
printf '%s\n' "${changed[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy-16 -quiet -p "$commands"
echo "clang-tidy: ${#changed[@]} files agree"
