# The servers that are measured, and what stands beside them. Sourced by bench/run.
# shellcheck shell=bash

# now_ms: milliseconds of some clock.
now_ms() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

# listens PORT [PATH]: whether something listens there; with a path, whether it answers that with 200.
listens() (
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  [ -n "${2:-}" ] || exit 0
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  IFS= read -r -t 5 status <&3 || true
  [[ ${status:-} == *" 200"* ]]
)

# start NAME PORT PATH COMMAND...: starts a program and waits until it is ready: `started` is its process id.
start() {
  local name=$1 port=$2 path=$3
  shift 3
  if listens "$port" 2>/dev/null; then
    echo "bench/run: port $port, which $name needs, is taken" >&2
    return 1
  fi
  "$@" </dev/null >"$work/$name.log" 2>&1 &
  started=$!
  pids+=("$started")
  for _ in $(seq 6000); do
    kill -0 "$started" 2>/dev/null || break
    if listens "$port" "$path" 2>/dev/null; then return; fi
    sleep 0.005
  done
  echo "bench/run: $name did not start" >&2
  tail -n 30 "$work/$name.log" >&2
  return 1
}

# stop PID...: ends programs that were started here, and waits for them.
stop() {
  local pid other left
  for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "$@"; do
    wait "$pid" 2>/dev/null || true
    left=()
    for other in ${pids[@]+"${pids[@]}"}; do [ "$other" = "$pid" ] || left+=("$other"); done
    pids=(${left[@]+"${left[@]}"})
  done
}

resident_kib() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }

# Certificates for the scenarios with certificates: an authority, a server, a client.
make_certificates() {
  local dir=$work/tls
  [ ! -d "$dir" ] || return 0
  mkdir "$dir"
  {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=bench authority" \
      -keyout "$dir/ca.key" -out "$dir/ca.pem"
    local who
    for who in server client; do
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=bench-$who" \
        -keyout "$dir/$who.key" -out "$dir/$who.csr"
      openssl x509 -req -in "$dir/$who.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
        -extfile <(printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' "$who") -out "$dir/$who.pem"
    done
  } >"$work/openssl.log" 2>&1
}

write_config() {
  local digest
  digest=$(printf %s bench-ui-token-for-measurements-only-0123456789 | sha256sum | cut -d' ' -f1)
  sed "s/UI_TOKEN_SHA256/$digest/" "$here/placet.toml" >"$work/placet.toml"
  make_certificates
  cat "$work/placet.toml" "$here/overload.toml" >"$work/overload.toml"
  { cat "$work/placet.toml"; sed "s|CERTIFICATES|$work/tls|g; s|MTLS_PORT|$mtls_port|g" "$here/mtls.toml"; } >"$work/mtls.toml"
}

start_beside() {
  PLACET_SECRET=whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= PORT=17092 \
    start sidecar 17092 "" "$bin/placet-bench" sidecar
  start bare 17088 "" "$bin/placet-bench" bare --listen 127.0.0.1:17088
  bare=$started
}

# start_server STORE [NUMBER]: a server; the number, from 0, tells replicas apart. `servers` and `addresses` grow.
start_server() {
  local store=$1 number=${2:-0} public private config=${server_config:-$work/mtls.toml} database=()
  public=$((17080 + 2 * number))
  private=$((public + 1))
  # One of them is enough to ask for certificates.
  if [ "$number" -gt 0 ]; then config=$work/placet.toml; fi
  if [ "$store" = postgres ]; then database=("PLACET_DATABASE_URL=postgres://postgres@${PGHOST//\//%2F}:$PGPORT/placet"); fi
  local began ready
  began=$(now_ms)
  start "server-$store-$number" "$private" /readyz \
    env PLACET_ISSUER=http://127.0.0.1:17080 "PLACET_LISTEN=127.0.0.1:$public" "PLACET_PRIVATE_LISTEN=127.0.0.1:$private" \
    "PLACET_DATA_DIR=$work/data-$store" PLACET_LIMITS=off PLACET_LOG=warn ${database[@]+"${database[@]}"} \
    ${pin_server[@]+"${pin_server[@]}"} "$bin/placet" dev --config "$config" || return 1
  ready=$(now_ms)
  start_ms=$((ready - began))
  servers+=("$started")
  publics+=("127.0.0.1:$public")
  privates+=("127.0.0.1:$private")
}

stop_servers() {
  stop ${servers[@]+"${servers[@]}"}
  servers=() publics=() privates=()
}

# new_store STORE: nothing of before is there.
new_store() {
  if [ "$1" = postgres ]; then start_postgres && new_database placet; fi
  rm -rf "${work:?}/data-$1"
}

join() { local IFS=,; echo "$*"; }

# load LABEL STORE [ARGUMENTS OF placet-bench load...]: loads the servers that run.
load() { load_with load "$@"; }

# load_with COMMAND LABEL STORE [ARGUMENTS...]: the same with a command of placet-bench.
load_with() {
  local command=$1 label=$2 store=$3 counted=()
  shift 3
  if [ "$store" = postgres ]; then
    counted=(--database-pids "$postmaster" --statements "dbname=postgres" --database-name placet)
  fi
  ${pin_load[@]+"${pin_load[@]}"} "$bin/placet-bench" "$command" --label "$label" --pids "$(join "${servers[@]}")" --bare-pid "$bare" \
    --public "$(join "${publics[@]}")" --private "$(join "${privates[@]}")" \
    --mtls "127.0.0.1:$mtls_port" --certificates "$work/tls" --json "$results" \
    ${counted[@]+"${counted[@]}"} ${options[@]+"${options[@]}"} "$@"
}

# fact NAME OF VALUE: a line of results; the value is JSON.
fact() { printf '{"fact": "%s", "of": "%s", "value": %s}\n' "$1" "$2" "$3" >>"$results"; }
text_fact() { fact "$1" "" "\"$(sed 's/[\\"]/\\&/g' <<<"$2")\""; }
