#!/bin/bash
# The guided demonstration: `./dev run`. Each part says what it shows, and cleans up after itself.
#
#   samples/demo/run.sh [core|ese|dedup]
#
# STILLFRAME_BIN: where the programs are (build/release/bin). DEMO_CUTS: cuts of each kind (200).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
parts=(core ese dedup)
case ${1:-} in
  "") ;;
  core | ese | dedup) parts=("$1") ;;
  *) echo "usage: run.sh [core|ese|dedup]" >&2; exit 2 ;;
esac
failed=0
for part in "${parts[@]}"; do
  "$here/$part.sh" || failed=1
done
exit $failed
