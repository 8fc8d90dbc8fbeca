# Rows 22 to 24 by slowhttptest: clients that are slow on purpose. Sourced by `run`.

# shellcheck shell=bash

# The limits are short here, so that the run is. It lasts ten times what they allow, a bound on hanging.
slowhttptest() {
  start "$scratch/slowhttptest" hello echo stream <<'TOML'
[server.limits]
head_time = "2s"
body_time = "2s"
write_time = "2s"
TOML
  attack "row 22, slow heads" 300 -H -u "http://$address/run/hello/" -r 150 -i 1 -x 8
  attack "row 23, slow bodies" 50 -B -u "http://$address/run/echo/" -r 50 -i 1 -x 8 -s 8192
  # 6 MiB each, of which it reads 32 bytes now and then: more than the sockets' buffers take.
  attack "row 24, slow readers" 30 -X -u "http://$address/run/stream/?chunks=96&size=65536" \
    -r 30 -w 512 -y 1024 -n 5 -z 32
  stop
}

# One run with so many connections, each of which the server must close by itself, serving others meanwhile.
attack() {
  local name=$1 count=$2 told=$scratch/slow.log seconds=20
  shift 2
  "$bin/slowhttptest" "$@" -c "$count" -l "$seconds" -p 3 >"$told" 2>&1 &
  attacker=$!
  local asked=0 most=0 open freed='' began=$SECONDS
  while kill -0 "$attacker" 2>/dev/null; do
    asked=$((asked + 1))
    # Ten times the 250 ms that robustness allows.
    if ! innocent 2.5; then
      echo "$name: innocent request $asked was not answered meanwhile" >&2
      return 1
    fi
    # Not counting the connection that asks.
    open=$(($(gauge mik_server_connections) - 1))
    [ "$open" -le "$most" ] || most=$open
    # A slow reader does not look whether its connection still is one: the run ends here, not by itself.
    if [ "$most" -ge $((count / 2)) ] && [ "$open" -le 0 ]; then
      freed=yes
      kill "$attacker" 2>/dev/null || true
    fi
    sleep 0.1
  done
  wait "$attacker" || true
  attacker=
  if grep -q 'service available:.*NO' "$told"; then
    echo "$name: its own probe found no service" >&2
    return 1
  fi
  if [ -z "$freed" ] && ! grep -q 'No open connections left' "$told"; then
    echo "$name: of $most connections some were open to the end" >&2
    return 1
  fi
  if [ "$most" -lt $((count / 2)) ]; then
    echo "$name: there were never more than $most connections" >&2
    return 1
  fi
  unharmed
  echo "$name: $most connections at once, all closed after $((SECONDS - began)) s; $asked innocent requests were answered meanwhile"
}
