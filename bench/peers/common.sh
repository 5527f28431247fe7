# What the scripts that start peers have in common. Sourced by them.
# shellcheck shell=bash
# shellcheck disable=SC2034

cache=${PLACET_BENCH_CACHE:-$HOME/.cache/placet-bench}
# For measurements only.
secret=bench-secret-for-measurements-only-0123456789
# At least as many as there are connections.
families=${PLACET_BENCH_FAMILIES:-64}

basic() { printf '%s:%s' "$1" "$secret" | base64 -w 0; }

now_ms() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

# until_ready URL PID: waits until it answers with 200.
until_ready() {
  local status
  for _ in $(seq 6000); do
    kill -0 "$2" 2>/dev/null || { echo "it ended" >&2; return 1; }
    status=$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$1" || true)
    if [ "$status" = 200 ]; then return; fi
    sleep 0.02
  done
  echo "it is not ready" >&2
  return 1
}

# tree PID: it and all that descend from it.
tree() {
  local child
  echo "$1"
  for child in $(pgrep -P "$1" || true); do tree "$child"; done
}

# at_rest DIR PID: notes what memory it holds.
at_rest() {
  local pid kib=0 of
  for pid in $(tree "$2"); do
    of=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2>/dev/null || true)
    kib=$((kib + ${of:-0}))
  done
  echo "$kib" >"$1/rest_kib"
}

# What was started ends with the script.
server=
finish() {
  trap - EXIT
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap finish EXIT
trap 'exit 143' TERM INT
