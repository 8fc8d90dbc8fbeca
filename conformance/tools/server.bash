# A server of its own for each step, on a free port, and the requests that a shell can send: sourced by `run`.

# shellcheck shell=bash
pid=
address=

# Starts `mik run` on a project in that folder with those guests; `mik.toml` comes from stdin.
start() {
  local project=$1 guest
  shift
  mkdir -p "$project/modules" "$project/static"
  for guest in "$@"; do
    cp "$repository/conformance/guests/prebuilt/$guest.wasm" "$project/modules/"
  done
  cat >"$project/mik.toml"
  # 26 lines of 40 bytes, each of one letter: a range of it can be told from any other.
  for letter in {a..z}; do
    printf "$letter%.0s" {1..39}
    echo
  done >"$project/static/page.txt"
  log=$project/log
  # What the tests have compiled need not be compiled again.
  HOME=$project XDG_CACHE_HOME=$target/debug/conformance-cache MIK_LOG=info,mik::access=off \
    "$mik" run --host 127.0.0.1 --port 0 "$project" >/dev/null 2>"$log" </dev/null &
  pid=$!
  for _ in {1..600}; do
    address=$(sed -n '1s,^listening on http://,,p' "$log")
    [ -z "$address" ] || break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$address" ] || { echo "mik does not listen:" >&2; cat "$log" >&2; return 1; }
  # Compiled now, so that nobody waits for it later.
  for guest in "$@"; do
    ask GET "/run/$guest/" >/dev/null
  done
}

# Ends it by its number; what does not drain in time is killed.
stop() {
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null || true
  for _ in {1..100}; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  pid=
}

# Prints all that comes on connection 3 until it ends, for as long as $patience lasts.
patience=10
received() {
  timeout "$patience" cat <&3
}

# Sends these bytes, written as printf's format, and prints what comes.
raw() {
  # shellcheck disable=SC2059
  (
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    printf "$1" >&3
    received
  ) 2>/dev/null || true
}

# Sends a request with these fields, and prints the answer, head and all.
ask() {
  local method=$1 path=$2 fields=
  shift 2
  for field in "$@"; do fields+=$field$'\r\n'; done
  (
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    printf '%s %s HTTP/1.1\r\nhost: h\r\nconnection: close\r\n%s\r\n' "$method" "$path" "$fields" >&3
    received
  ) 2>/dev/null || true
}

# An innocent request is answered, within so many seconds.
innocent() {
  local answer patience=${1:-10}
  answer=$(ask GET /run/hello/)
  [[ $answer == 'HTTP/1.1 200 '*'Hello from mik!'* ]]
}

# How many calls are in flight.
in_flight() {
  ask GET /health | grep -o '"in_flight":[0-9]*' | cut -d : -f 2
}

# The value of a series of /metrics that has no labels.
gauge() {
  ask GET /metrics | sed -n "s/^$1 \([0-9]*\).*/\1/p"
}

# What holds after everything that a tool does: it lives, it answers, nothing is in flight, nothing panicked.
unharmed() {
  kill -0 "$pid" 2>/dev/null || { echo "mik has ended:" >&2; tail -n 20 "$log" >&2; return 1; }
  innocent || { echo "an innocent request is not answered afterwards" >&2; return 1; }
  # Ten times the five seconds that robustness allows.
  local left=
  for _ in {1..500}; do
    left=$(in_flight)
    [ "$left" != 0 ] || break
    sleep 0.1
  done
  [ "$left" = 0 ] || { echo "$left calls are still in flight" >&2; return 1; }
  if grep -i 'panic' "$log" >&2; then
    echo "a panic in the log" >&2
    return 1
  fi
}
