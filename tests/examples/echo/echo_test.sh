#!/bin/sh
# echo_test.sh SERVER CLIENT [SERVER OPTIONS]: the two programs against one another, over loopback.
set -u
server=$1
client=$2
shift 2
dir=$(mktemp -d)
"$server" --bind 127.0.0.1 --http-port 0 --record "$dir/recorded" "$@" >"$dir/out" 2>"$dir/err" &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
tries=0
until grep -q '^listening on ' "$dir/out"; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
    echo "the server did not start"
    cat "$dir/err"
    exit 1
  fi
  sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$dir/out")
status=0
for test in 0 1 2; do
  # A busy machine delays pictures; what counts is that they come.
  "$client" "$url" --bind 127.0.0.1 -t "$test" --timeout 30 --seconds 1 || status=1
done
# Several at a time share the one UDP port.
pids=
for _ in 1 2 3 4; do
  "$client" "$url" --bind 127.0.0.1 -t 1 --timeout 30 >"$dir/several" 2>&1 &
  pids="$pids $!"
done
for one in $pids; do
  wait "$one" || { echo "one of several failed"; status=1; cat "$dir/several"; }
done
# A server that is not there is told in a sentence.
if "$client" http://127.0.0.1:1 --bind 127.0.0.1 --timeout 5; then
  echo "a call to nobody passed"
  status=1
fi
kill -INT "$pid"
wait "$pid"
ended=$?
if [ "$ended" -ne 0 ]; then
  echo "the server ended with status $ended"
  cat "$dir/err"
  status=1
fi
for kind in ivf ogg; do
  if [ -z "$(find "$dir/recorded" -name "*.$kind" -size +1k)" ]; then
    echo "nothing was recorded as .$kind"
    status=1
  fi
done
exit "$status"
