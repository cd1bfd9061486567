#!/bin/bash
# docker.sh: builds the image, runs both compose demos, checks that they trained, cleans up.
# Needs root, to start an engine where none runs.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
[ $# -eq 0 ] || { echo "docker.sh: unknown argument '$1'; it takes none" >&2; exit 2; }
work="$(mktemp -d)"
engine=""
compose_file=""
cleanup() {
  [ -z "$compose_file" ] || docker-compose -f "$compose_file" down --volumes >/dev/null 2>&1 || true
  [ -z "$engine" ] || { kill "$engine" && wait "$engine"; } 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "docker.sh: $1" >&2; exit 1; }

bash "$root/docker/install.sh" docker
if ! docker info >/dev/null 2>&1; then
  dockerd >"$work/dockerd.log" 2>&1 &
  engine=$!
  timeout 60 bash -c 'until docker info >/dev/null 2>&1; do sleep 0.2; done' ||
    { tail -20 "$work/dockerd.log" >&2; fail "dockerd did not start"; }
fi
if ! docker image inspect debian:bookworm-slim >/dev/null 2>&1 &&
  ! docker pull -q debian:bookworm-slim >/dev/null 2>&1; then
  echo "no registry answers: making the base image from Debian's packages"
  bash "$root/docker/base-image.sh" >/dev/null
fi
# The classic builder, and BuildKit where this client and engine have it.
build() {
  DOCKER_BUILDKIT="$1" docker build -q --network host -f "$root/docker/Dockerfile" -t "$2" "$root" >"$work/build.log" 2>&1
}
echo "building the image"
build 0 varscope || { tail -5 "$work/build.log" >&2; fail "the image cannot be built"; }
if build 1 varscope:buildkit; then
  echo "BuildKit builds it, too"
elif grep -qi 'buildx\|buildkit' "$work/build.log"; then
  echo "not tried: this docker client has no BuildKit ($(docker --version))"
else
  tail -5 "$work/build.log" >&2
  fail "BuildKit cannot build the image"
fi
docker image inspect -f 'image: {{.Size}} bytes, user {{.Config.User}}' varscope
[ "$(docker image inspect -f '{{.Config.User}}' varscope)" = varscope ] || fail "runs as root"

# demo FILE WORKERS STEPS: all workers must end well and the server must have applied all steps.
demo() {
  compose_file="$root/docker/$1"
  docker-compose -f "$compose_file" up -d --no-build >/dev/null 2>&1
  local i container code
  for i in $(seq "$2"); do
    container="$(docker-compose -f "$compose_file" ps -q "worker-$i")"
    code="$(timeout 300 docker wait "$container")"
    docker logs "$container" 2>&1 | tail -1
    [ "$code" = 0 ] || fail "$1: worker-$i ended with $code"
  done
  local server
  server="$(docker-compose -f "$compose_file" ps -q server)"
  timeout 60 bash -c "until [ \"\$(docker inspect -f '{{.State.Health.Status}}' $server)\" = healthy ]; do sleep 0.2; done" ||
    fail "$1: the server is not healthy"
  local summary
  summary="$(docker exec "$server" varscopectl list | tail -1)"
  echo "$1: $summary"
  [ "${summary##* }" -ge "$3" ] || fail "$1: expected a global step of at least $3"
}
# The server's data is in a volume: what was trained is there after a restart.
restart() {
  local server before after
  server="$(docker-compose -f "$compose_file" ps -q server)"
  before="$(docker exec "$server" varscopectl list | tail -1)"
  docker restart -t 20 "$server" >/dev/null
  timeout 60 bash -c "until docker exec $server varscopectl health >/dev/null 2>&1; do sleep 0.2; done" ||
    fail "the server does not serve after a restart"
  after="$(docker exec "$server" varscopectl list | tail -1)"
  [ "$before" = "$after" ] || fail "before a restart: $before; after it: $after"
  echo "after a restart: $after"
}
finish() {
  local server code
  server="$(docker-compose -f "$compose_file" ps -q server)"
  docker stop -t 20 "$server" >/dev/null
  code="$(docker inspect -f '{{.State.ExitCode}}' "$server")"
  [ "$code" = 0 ] || fail "the server ended with $code on SIGTERM"
  docker-compose -f "$compose_file" down --volumes >/dev/null 2>&1
  compose_file=""
}

demo compose.demo.yml 3 6000
restart
docker-compose -f "$compose_file" run --rm worker-1 \
  varscope_classifier --worker-id judge --evaluate --at-least 0.96 2>/dev/null
finish
demo compose.gan.yml 2 6000
docker-compose -f "$compose_file" run --rm worker-1 \
  varscope_gan --worker-id painter --draw 2>/dev/null
finish
echo "both demos trained"
