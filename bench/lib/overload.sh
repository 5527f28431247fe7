# A server of which too much is asked. Sourced by bench/run.
# shellcheck shell=bash

# What is asked for, with each store: it costs so much that one core can ask for ten times of it, and be answered.
overload_embedded=(userinfo-costly)
overload_postgres=(userinfo-costly)
# What is stored for whoever asks for it, for a while.
floods=(credentials-opaque par authorize dpop)

# The server has a core of its own, so that it has as much to give whatever the load needs; the load and the database have
# the others.
plan_overload() {
  local cores name="overload_$store[@]" chosen=()
  cores=$(nproc)
  if [ "$cores" -lt 2 ]; then
    text_fact remark "Overload is not measured: it takes a core for the server and one for the load."
    return 0
  fi
  chosen=("${!name}")
  if [ ${#scenarios[@]} -gt 0 ]; then chosen=("${scenarios[@]}"); fi
  local rest="1-$((cores - 1))" server_config=$work/overload.toml
  pin_server=(taskset --cpu-list 0) pin_load=(taskset --cpu-list "$rest")
  # A connection is a descriptor, here and there.
  ulimit -n "$(ulimit -Hn)"
  new_store "$store" || return 1
  if [ "$store" = postgres ]; then pin_postgres "$rest" || return 1; fi
  start_server "$store" || return 1
  load_with overload "$store" "$store" "$@" "${chosen[@]}" || return 1
  stop_servers
  pin_server=() pin_load=()
  if [ "$store" = postgres ]; then pin_postgres "0-$((cores - 1))"; fi
}

# pin_postgres CORES: for what runs already, and what it starts. What has ended meanwhile needs none.
pin_postgres() {
  local pid
  for pid in "$postmaster" $(pgrep -P "$postmaster"); do
    taskset --cpu-list --pid "$1" "$pid" >/dev/null 2>&1 || ! [ -e "/proc/$pid" ] || return 1
  done
}

# The memory that is held after half of a flood, and after all of it, of each kind.
plan_floods() {
  local kind before=(${options[@]+"${options[@]}"})
  options+=(--warm-up 0)
  for kind in "${floods[@]}"; do
    new_store "$store" && start_server "$store" || return 1
    local half all
    : >"$work/flood.jsonl"
    results=$work/flood.jsonl load "$store" "$store" "$kind" >"$work/flood.log" || return 1
    half=$(resident_kib "${servers[0]}")
    results=$work/flood.jsonl load "$store" "$store" "$kind" >"$work/flood.log" || return 1
    all=$(resident_kib "${servers[0]}")
    fact flood_half "$store, $kind" "$half"
    fact flood_all "$store, $kind" "$all"
    fact flood_done "$store, $kind" "$(($(sed -n 's/.*"done":\([0-9]*\).*/\1/p' "$work/flood.jsonl" | paste -sd+)))"
    echo "$store, $kind: $((half / 1024)) MiB after half of it, $((all / 1024)) MiB after all"
    stop_servers
  done
  options=(${before[@]+"${before[@]}"})
}
