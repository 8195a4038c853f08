#!/bin/bash
# The storage engine's part of the demonstration: a shop on the engine sells while it is backed up,
# loses everything, and has every order back that was entered before the last backup.
#
# STILLFRAME_BIN: where the programs are (build/release/bin). DEMO_ORDERS: orders at first (2000).
set -euo pipefail
# shellcheck source=samples/demo/common.sh
source "$(dirname "$0")/common.sh"
orders=${DEMO_ORDERS:-2000}

receipts=$work/receipts
noted() { wc -l <"$receipts" | tr -d ' '; }
size_of() { du -sh "$1" | cut -f1; }
logs() { find "$shop/logs" -name 'edb?*.log' | wc -l; }
start_shop() { start "$bin/shop" "$shop" serve --socket "$work/sockets" --receipts "$receipts"; }
expect() { [[ $answer == "$1"* ]] || { echo "  expected: $1"; failed=1; }; }

say "A shop opens, with a database of its own and four clerks"
make_fs btrfs
shop=$work/btrfs/shop
frame_for "Extensible Storage Engine"
touch "$receipts"
"$bin/shop" "$shop" found
start_shop
expect ready
tell sell "$orders"
expect sold
tell balance
echo "  $answer; $(logs) logs"
echo "  Each customer has a receipt: one line in a file outside the shop, written when the order is"
echo "  durable. That file will be the judge."

say "Backups are taken while the clerks go on selling"
tell open
last=
for type in full incremental incremental; do
  sleep 1
  before=$(noted)
  if ! last=$("${frame[@]}" -q backup "$work/backups" --type "$type"); then
    echo "  the $type backup failed"
    failed=1
    finish
  fi
  echo "  $type: at least $before orders, $(size_of "$last"); $(logs) logs are left in the shop"
done
"$bin/stillframe" show "$last" --timeline || failed=1
sleep 1

say "The shop is killed in the middle of an order, and its folder is destroyed"
kill -KILL "$app"
wait "$app" 2>/dev/null || true
exec 7>&- 8<&-
rm -rf "$shop"
after=$(noted)
echo "  $after receipts were given out, $before of them before the last backup began"

say "The shop starts, finds nothing, and waits"
start_shop
echo "  $answer"
expect "closed:"

say "It is restored: the full backup, both increments, and recovery"
"$bin/stillframe" verify "$last" || failed=1
"${frame[@]}" restore "$last" || failed=1
tell balance
echo "  $answer"
in_books=${answer%% *}
tell check "$receipts" "$before"
echo "  $answer"
expect "$before receipts, all in the books"
showed
if [[ $in_books =~ ^[0-9]+$ ]]; then
  echo "  Of the $((after - before)) orders since that backup began, the $((in_books - before)) are back that the cut had; the others"
  echo "  were entered later."
fi

say "It sells again"
tell sell 100
expect sold
tell balance
echo "  $answer"
tell quit
wait "$app" 2>/dev/null || true
app=
say "Its database, closed in good order, under another pair of eyes"
"$bin/esectl" verify "$shop/shop.edb" | grep -E "^(verdict|state|pages_good|rows|findings_total):" | sed "s|^|  |" || failed=1
finish
