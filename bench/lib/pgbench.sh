# pgbench with the statements that the server runs: what PostgreSQL does at most. Sourced by bench/run.
# shellcheck shell=bash

# As many as the server has.
pgbench_connections=16

pgbench_both() {
  local name
  new_store postgres && start_server postgres || return 1
  for name in refresh redeem; do same_statements "$name" || return 1; done
  stop_servers
  query placet "$(cat "$here/pgbench/prefill.sql")" --set=codes=400000 --set=families="$pgbench_connections" || return 1
  settle placet || return 1
  for name in refresh redeem; do pgbench_one "$name" || return 1; done
}

# option NAME DEFAULT: what was said of an option for the load; the last time counts.
option() {
  local i said=$2
  for ((i = 0; i < ${#options[@]}; i += 2)); do
    if [ "${options[i]}" = "$1" ]; then said=${options[i + 1]}; fi
  done
  echo "$said"
}

# What a scenario has changed so far: rotations of the families that were made for it, or families that came of its codes.
changed_by() {
  case $1 in
    refresh) query placet "SELECT coalesce(sum(generation), 0) FROM families WHERE id >= '1' AND id < '2'" ;;
    redeem) query placet "SELECT count(*) FROM families WHERE id >= '4' AND id < '5'" ;;
  esac
}

pgbench_one() {
  local name=$1 seconds said tps done changed
  seconds=$(option --seconds 8)
  changed=$(changed_by "$name")
  said=$(cd "$here/pgbench" && pgbench --no-vacuum --protocol=prepared --client="$pgbench_connections" --jobs=2 --time="$seconds" \
    --define=n=0 --define=tenant=default --file="$name.sql" placet 2>&1) || { echo "$said" >&2; return 1; }
  tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<<"$said")
  done=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<<"$said")
  # An update that finds nothing is fast, and would be no comparison.
  changed=$(($(changed_by "$name") - changed))
  if [ "$changed" -lt "$done" ]; then
    echo "bench/run: pgbench did $done transactions for $name, but changed $changed rows" >&2
    text_fact remark "pgbench changed fewer rows than it should have for $name: its figure is too high."
  fi
  printf '{"scenario": "%s", "of": "pgbench", "per_second": %s, "connections": %s}\n' "$name" "$tps" "$pgbench_connections" >>"$results"
  echo "pgbench, $name: $tps in a second"
}

# same_statements SCENARIO: whether the file for pgbench has the statements that the server ran, as PostgreSQL saw them. What
# differs is said, in the results too: a ratio to other statements would be worth nothing.
same_statements() {
  local name=$1 times=100 differs kept=$results results=$work/statements.jsonl
  query postgres 'SELECT pg_stat_statements_reset()' >/dev/null
  load same postgres --seconds 120 --requests "$times" "$name" >"$work/same.log"
  query postgres "SELECT json_build_object('calls', calls, 'query', query) FROM pg_stat_statements s
    JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = 'placet'" >"$work/served.jsonl"
  if differs=$(python3 "$here/pgbench/same.py" "$here/pgbench/$name.sql" "$work/served.jsonl" "$times"); then return; fi
  echo "$differs" >&2
  results=$kept
  text_fact remark "bench/pgbench/$name.sql is not what the server runs, so its ratio says little: $(cut -c1-200 <<<"$differs" | tr '\n' ' ')"
}
