# A PostgreSQL that is thrown away, with its durable settings, and what is asked of it. Sourced by bench/run.
# shellcheck shell=bash

# PostgreSQL refuses to run as root: then its own user runs it.
as_postgres() { (cd /tmp && if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi); }

start_postgres() {
  [ -z "${cluster:-}" ] || return 0
  local programs
  programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort --version-sort | tail -n 1)
  [ -n "$programs" ] || { echo "bench/run: there is no PostgreSQL here" >&2; return 1; }
  mkdir "$work/pg"
  chmod 755 "$work"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$work/pg"; fi
  as_postgres "$programs/initdb" --pgdata="$work/pg/data" --username=postgres --auth=trust --encoding=UTF8 --no-locale >"$work/initdb.log"
  # A port only for those whose driver knows no sockets; whoever can uses the socket.
  local listen=
  if [ "$what" = peers ] || [ "$what" = all ]; then listen=127.0.0.1; fi
  as_postgres "$programs/pg_ctl" --pgdata="$work/pg/data" --log="$work/pg/log" --wait \
    --options="-c listen_addresses=$listen -c port=$postgres_port -c unix_socket_directories='$work/pg' -c max_connections=300 -c shared_buffers=512MB -c max_wal_size=4GB -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track_utility=on" \
    start </dev/null >/dev/null
  cluster=$programs
  export PGHOST=$work/pg PGPORT=$postgres_port PGUSER=postgres
  postmaster=$(head -n 1 "$work/pg/data/postmaster.pid")
  query postgres 'CREATE EXTENSION pg_stat_statements'
}

stop_postgres() {
  [ -n "${cluster:-}" ] || return 0
  as_postgres "$cluster/pg_ctl" --pgdata="$work/pg/data" --mode=fast --wait stop >/dev/null || true
  cluster=
}

# query DATABASE SQL [ARGUMENTS OF psql...]
query() {
  local database=$1 sql=$2
  shift 2
  psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$database" "$@" <<<"$sql"
}

# new_database NAME: an empty one.
new_database() {
  query postgres "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" 2>/dev/null
  query postgres "CREATE DATABASE \"$1\""
}

# What was written before is no burden of what is measured next.
settle() { query "$1" 'VACUUM ANALYZE' && query "$1" 'CHECKPOINT'; }
