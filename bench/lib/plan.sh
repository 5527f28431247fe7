# What is done for each way of calling bench/run. Sourced by it.
# shellcheck shell=bash

about_this_machine() {
  local cpu memory disk
  cpu=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
  memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  disk=$(df --output=fstype "$work" | tail -n 1)
  about=(
    "$(date -u '+%F %H:%M') UTC, load before: $(cut -d' ' -f1-3 /proc/loadavg)"
    "$(nproc) cores, $cpu, $((memory / 1024 / 1024)) GiB, $disk"
    "$(uname -sr), $("$bin/placet" --version 2>/dev/null), $(git -C "$root" log -1 --format='commit %h' 2>/dev/null || echo 'no repository')"
    "$(psql --version 2>/dev/null || echo 'no PostgreSQL'), $(openssl version)"
  )
  local line
  for line in "${about[@]}"; do
    text_fact machine "$line"
    echo "$line"
  done
}

# One server, all that was asked for.
plan_store() {
  new_store "$store" && start_server "$store" || return 1
  load "$store" "$store" "$@" ${scenarios[@]+"${scenarios[@]}"} || return 1
  stop_servers
}

# An open loop, at half of what the closed one did.
plan_open() {
  local scenario rate
  new_store "$store" && start_server "$store" || return 1
  for scenario in credentials-jwt introspect-opaque refresh; do
    rate=$(sed -n "s/^{\"scenario\":\"$scenario\",\"of\":\"$store\",\"per_second\":\([0-9]*\).*/\1/p" "$results" | tail -n 1)
    [ -n "$rate" ] || return 1
    load "$store" "$store" --rate $((rate / 2 + 1)) "$scenario" || return 1
  done
  stop_servers
}

# Several servers on one PostgreSQL.
plan_replicas() {
  local number name="$replicas replicas" chosen=(credentials-jwt introspect-opaque refresh)
  if [ "$replicas" = 2 ]; then name='two replicas'; fi
  if [ ${#scenarios[@]} -gt 0 ]; then chosen=("${scenarios[@]}"); fi
  new_store postgres || return 1
  for number in $(seq 0 $((replicas - 1))); do start_server postgres "$number" || return 1; done
  load "$name" postgres "${chosen[@]}" || return 1
  stop_servers
}

plan_peers() {
  local peer
  for peer in ${peers[@]+"${peers[@]}"}; do run_peer "$peer" || return 1; done
}

# How long a start takes, and what memory is held.
plan_rest() {
  local server half=$((flood / 2))
  new_store "$store" && start_server "$store" || return 1
  fact first_start_ms "$store" "$start_ms"
  echo "the first start, which makes keys and tables: $start_ms ms"
  stop_servers
  start_server "$store" || return 1
  fact start_ms "$store" "$start_ms"
  sleep 2
  server=${servers[0]}
  fact rest_kib "$store" "$(resident_kib "$server")"
  echo "start to ready: $start_ms ms; at rest: $(($(resident_kib "$server") / 1024)) MiB"
  local before=("${options[@]+"${options[@]}"}")
  options+=(--seconds 240 --warm-up 0)
  results=$work/flood.jsonl load "$store" "$store" --requests "$half" credentials-opaque || return 1
  fact half_flood_kib "$store" "$(resident_kib "$server")"
  results=$work/flood.jsonl load "$store" "$store" --requests "$half" credentials-opaque || return 1
  fact flood_kib "$store" "$(resident_kib "$server")"
  fact flood_tokens "$store" "$flood"
  options=(${before[@]+"${before[@]}"})
  echo "after $flood tokens: $(($(resident_kib "$server") / 1024)) MiB"
  stop_servers
}

plan_pgbench() { pgbench_both; }

plan_grow() {
  local size
  for size in ${sizes//,/ }; do grow "$size" || return 1; done
}

plan_profile() {
  local scenario chosen=(credentials-jwt introspect-opaque refresh redeem)
  if [ ${#scenarios[@]} -gt 0 ]; then chosen=("${scenarios[@]}"); fi
  for scenario in "${chosen[@]}"; do profile "$scenario" || return 1; done
}

# Whether everything works: answers are judged, times are not.
plan_smoke() {
  local passed=0 failed=0 counted passed_here failed_here
  # The end comes with the requests, on whatever machine.
  options+=(--seconds 240 --requests 6 --warm-up 0 --connections 2)
  for store in embedded postgres; do
    echo && echo "$store:"
    plan_store --check >"$work/smoke" 2>&1 || true
    cat "$work/smoke"
    stop_servers
    counted=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/smoke")
    # Without a count, nothing even began.
    read -r passed_here failed_here <<<"${counted:-0 1}"
    passed=$((passed + passed_here)) failed=$((failed + failed_here))
  done
  echo && echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# Everything, one after the other, and the page. With --seconds 5 it takes a quarter of an hour.
plan_all() {
  local page=${PLACET_BENCH_PAGE:-$here/RESULTS.md} failed=() kept
  # What fails is told at the end; the next part begins anew.
  part() { "$@" || failed+=("$* ($store)"); stop_servers; }
  for store in embedded postgres; do
    echo && echo "== $store"
    part plan_store
  done
  for store in embedded postgres; do
    echo && echo "== open loop, $store"
    part plan_open
  done
  echo && echo "== two replicas"
  replicas=2
  part plan_replicas
  echo && echo "== pgbench"
  part plan_pgbench
  for store in embedded postgres; do
    echo && echo "== start and memory, $store"
    part plan_rest
  done
  for store in embedded postgres; do
    echo && echo "== overload, $store"
    part plan_overload
    echo && echo "== floods, $store"
    part plan_floods
    echo && echo "== profiles, $store"
    part plan_profile
  done
  sizes=${sizes:-1000,100000,1000000}
  # There are many of them, and each is compared with its like.
  local whole=(${options[@]+"${options[@]}"})
  options+=(--seconds 3)
  for store in embedded postgres; do
    echo && echo "== growth, $store"
    part plan_grow
  done
  options=(${whole[@]+"${whole[@]}"})
  echo && echo "== peers"
  peers=("${all_peers[@]}")
  part plan_peers
  for kept in ${failed[@]+"${failed[@]}"}; do text_fact remark "A part failed: $kept."; done
  "$bin/placet-bench" report "$results" >"$work/page"
  cp "$work/page" "$page"
  echo && cat "$work/page"
  [ ${#failed[@]} -eq 0 ]
}
