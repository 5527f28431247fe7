# Servers of others. Each has a folder in bench/peers with `install` and `start`. Sourced by bench/run.
# shellcheck shell=bash
all_peers=(oidc-provider hydra keycloak)

install_peers() {
  local peer
  for peer in "${all_peers[@]}"; do
    echo "$peer:"
    "$here/peers/$peer/install" || echo "bench/run: $peer cannot be installed here" >&2
  done
}

# run_peer NAME: loads it with what it can do. One that does not start is reported, and no more.
run_peer() {
  local name=$1 dir=$work/peer-$1 began pid said
  [ -x "$here/peers/$name/start" ] || { echo "bench/run: there is no peer \`$name\`" >&2; return 1; }
  if ! "$here/peers/$name/install" >"$work/$name-install.log" 2>&1; then
    tail -n 20 "$work/$name-install.log" >&2
    text_fact remark "$name could not be installed, so it is not among the peers."
    return 0
  fi
  start_postgres && new_database "$name" || return 1
  mkdir -p "$dir"
  # Its own user reads what is in there.
  "$here/peers/$name/start" "$dir" </dev/null >"$work/$name.log" 2>&1 &
  pid=$!
  pids+=("$pid")
  began=$SECONDS
  until [ -s "$dir/target.json" ]; do
    if ! kill -0 "$pid" 2>/dev/null || [ $((SECONDS - began)) -gt 300 ]; then
      echo "bench/run: $name did not start" >&2
      tail -n 30 "$work/$name.log" >&2
      text_fact remark "$name did not start, so it is not among the peers."
      stop "$pid"
      return 0
    fi
    sleep 0.2
  done
  said=$(sed -n 's/^ *"name": "\([^"]*\)",.*/\1/p' "$dir/target.json" | head -n 1)
  text_fact peer "$said"
  if [ -s "$dir/start_ms" ]; then fact start_ms "$said" "$(cat "$dir/start_ms")"; fi
  if [ -s "$dir/rest_kib" ]; then fact rest_kib "$said" "$(cat "$dir/rest_kib")"; fi
  # Some compile what they run often, while they run it.
  "$bin/placet-bench" load --target "$dir/target.json" --seconds 15 --warm-up 0 credentials-jwt >/dev/null || true
  settle "$name"
  "$bin/placet-bench" load --target "$dir/target.json" --json "$results" \
    --database-pids "$postmaster" --statements dbname=postgres --database-name "$name" \
    ${options[@]+"${options[@]}"} ${scenarios[@]+"${scenarios[@]}"} || true
  stop "$pid"
}
