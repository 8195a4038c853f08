#!/bin/bash
# The sample's shop through the command line: it sells while it is backed up in full and by its logs,
# is restored while it runs, and again after it was killed and has lost its folder. Receipts, which it
# gives out for orders that are durable, say what has to be in its books.
#
#   shop_test.sh SHOP STILLFRAME ESECTL
set -euo pipefail
shop=$1 program=$2 esectl=$3
trap 'echo "line $LINENO failed; the last answer was: ${answer:-}"' ERR
work=$(mktemp -d "${TMPDIR:-/tmp}/stillframe-shop.XXXXXX")
app=
# shellcheck disable=SC2317  # called by the trap
cleanup() {
  exec 7>&- 8<&- || true
  if [[ -n $app ]]; then kill "$app" 2>/dev/null || true; fi
  wait || true
  rm -rf "$work"
}
trap cleanup EXIT

mkdir "$work/sockets"
cat >"$work/c.toml" <<END
state_dir = "$work/state"
runtime_dir = "$work/run"
END
frame=("$program" --config "$work/c.toml" --embedded --socket "$work/sockets"
  --expect "Extensible Storage Engine" --wait-writers 20 -q)
receipts=$work/receipts
start() {
  coproc APP { exec "$shop" "$work/s" serve --socket "$work/sockets" --receipts "$receipts"; }
  app=$APP_PID
  exec 7>&"${APP[1]}" 8<&"${APP[0]}"
  read -r -t 60 answer <&8
}
tell() {
  echo "$*" >&7
  read -r -t 60 answer <&8
}
stop() {
  echo quit >&7
  wait "$app"
}
backup() { "${frame[@]}" backup "$work/backups" --provider copy --type "$1"; }

"$shop" "$work/s" found
if "$shop" "$work/s" found 2>"$work/why"; then exit 1; fi
grep -q "there is a shop" "$work/why"
start
[[ $answer == ready ]]
tell order Ada 3 2
[[ $answer == "1 422" ]]
if backup incremental 2>"$work/why"; then exit 1; fi # of what?
tell sell 300
[[ $answer == sold ]]

# Clerks sell all the time.
tell open
backup full >"$work/set"
for _ in 1 2; do
  tell check "$receipts"
  [[ $answer == *"all in the books" ]]
  before=$(wc -l <"$receipts")
  backup incremental >"$work/set"
done
set=$(cat "$work/set")
((before >= 300))

# A restore closes a shop that is open, and what the clerks have sold since is gone.
"${frame[@]}" restore "$set"
tell close
tell check "$receipts" "$before"
[[ $answer == "$before receipts, all in the books" ]]
tell balance
[[ $answer == *" orders, "*" cents, newest "* ]]
if backup incremental 2>"$work/why"; then exit 1; fi # the chain begins anew

# What is not in the books is missed.
echo "2000000000 5" >"$work/forged"
tell check "$work/forged"
[[ $answer == "error "*2000000000* ]]
echo "1 5" >"$work/forged"
tell check "$work/forged"
[[ $answer == "error order 1 is another one" ]]

: >"$work/receipts.2"
receipts=$work/receipts.2
stop
start
tell sell 50
backup full >/dev/null
tell open
sleep 0.2
before=$(wc -l <"$receipts")
backup incremental >"$work/set"
kill -KILL "$app"
wait "$app" 2>/dev/null || true
exec 7>&- 8<&-
rm -rf "$work/s"

start
[[ $answer == "closed: "*"restore it from a backup" ]]
tell balance
[[ $answer == "error "*"is lost"* ]]
if "$shop" "$work/s" serve </dev/null | grep -q ready; then exit 1; fi
set=$(cat "$work/set")
"${frame[@]}" restore "$set"
tell check "$receipts" "$before"
[[ $answer == "$before receipts, all in the books" ]]
tell sell 10
tell balance
[[ $answer == *" orders, "*" cents, newest "* ]]
stop
app=
"$esectl" verify "$work/s/shop.edb" >"$work/verified"
