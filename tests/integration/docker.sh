#!/bin/bash
# docker.sh: builds the image, runs both compose demos, checks that they trained, cleans up.
# Needs root, to start an engine where none runs.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
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
echo "building the image"
docker build -q --network host -f "$root/docker/Dockerfile" -t varscope "$root" >/dev/null
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
docker-compose -f "$compose_file" run --rm worker-1 \
  varscope_classifier --worker-id judge --evaluate --at-least 0.96 2>/dev/null
finish
demo compose.gan.yml 2 6000
docker-compose -f "$compose_file" run --rm worker-1 \
  varscope_gan --worker-id painter --draw 2>/dev/null
finish
echo "both demos trained"
