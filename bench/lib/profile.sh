# Where the CPU time of a scenario goes, by perf. Sourced by bench/run.
# shellcheck shell=bash

# profile SCENARIO: what server and database do while it runs. It slows them down, so nothing else is measured meanwhile.
profile() {
  local scenario=$1 loading shares part
  command -v perf >/dev/null || { text_fact remark "No profiles were taken: there is no perf."; return 0; }
  new_store "$store" && start_server "$store" || return 1
  results=$work/profiled.jsonl load profiled "$store" --seconds 9 --warm-up 1 "$scenario" >"$work/profiled.log" 2>&1 &
  loading=$!
  pids+=("$loading")
  sleep 4
  if ! perf record --quiet --all-cpus --freq 499 --call-graph dwarf,8192 --output "$work/perf.data" -- sleep 3 >"$work/perf.log" 2>&1; then
    cat "$work/perf.log" >&2
    text_fact remark "No profile of $scenario was taken: perf may not."
  fi
  wait "$loading" || { cat "$work/profiled.log" >&2; return 1; }
  shares=$(perf script --input "$work/perf.data" --no-inline --fields comm,pid,tid,ip,sym,dso 2>"$work/perf.log" |
    python3 "$here/profile.py" "${servers[@]}") || return 1
  rm -f "$work/perf.data"
  for part in server database; do
    [ "$part $store" != 'database embedded' ] || continue
    jq --compact-output --arg of "$scenario, $store: $part" --arg part "$part" \
      'select(.[$part] | length > 0) | {fact: "profile", of: $of, value: .[$part]}' <<<"$shares" | tee -a "$results"
  done
  stop_servers
}
