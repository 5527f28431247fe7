# Stores that hold much already. Sourced by bench/run.
# shellcheck shell=bash

# What is measured when much is there.
grown_scenarios=(credentials-jwt introspect-opaque refresh redeem)

# grow ROWS: measures with so many clients, sessions, authorizations, families and tokens in the store. They are copies of
# some that the server itself made, so that they are what rows are, whatever the schema is.
grow() {
  local rows=$1 chosen=("${grown_scenarios[@]}")
  if [ ${#scenarios[@]} -gt 0 ]; then chosen=("${scenarios[@]}"); fi
  new_store "$store" && start_server "$store" && make_originals || return 1
  local began=$SECONDS
  if [ "$store" = postgres ]; then
    query placet "$(cat "$here/grow.sql")" --set=rows="$rows" --single-transaction || return 1
    settle placet
  else
    # A file has one owner at a time.
    stop_servers
    python3 "$here/grow.py" "$work/data-embedded/placet.db" "$rows" && start_server "$store" || return 1
  fi
  echo "$store with $rows rows of each kind, made in $((SECONDS - began)) s:"
  load "$store" "$store" --rows "$rows" "${chosen[@]}" || return 1
  stop_servers
}

# A row of each kind that the copies are made of.
make_originals() {
  if ! results=$work/originals.jsonl load originals "$store" --connections 1 --seconds 60 --requests 1 --warm-up 0 --check \
    credentials-opaque code-flow >"$work/originals.log"; then
    cat "$work/originals.log" >&2
    return 1
  fi
  curl --silent --show-error --fail --output /dev/null http://127.0.0.1:17080/register \
    --header 'content-type: application/json' --data '{"redirect_uris": ["http://localhost:17093/callback"]}'
}
