#!/bin/bash
# The core part of the demonstration: live applications on two real file systems, cut without and
# with their holds; then an application backed up and restored.
#
# STILLFRAME_BIN: where the programs are (build/release/bin). DEMO_CUTS: cuts of each kind (200).
set -euo pipefail
# shellcheck source=samples/demo/common.sh
source "$(dirname "$0")/common.sh"
cuts=${DEMO_CUTS:-200}

say "Two file systems"
make_fs btrfs
make_fs xfs
mkdir -p "$work/btrfs/bank" "$work/xfs/bank"
df -hT "$work/btrfs" "$work/xfs" | sed 's/^/  /'

say "A bank moves money between them; $cuts cuts without the hold, $cuts with it"
result=0
"$bin/demo_cuts" "$work/btrfs/bank" "$work/xfs/bank" "$work" "$cuts" || result=$?
case $result in
  0) showed ;;
  4) cannot_show "a broken sum: no cut without the hold happened to fall into a transfer" ;;
  *) failed=1 ;;
esac

say "An application with its own log is backed up, damaged and restored"
frame_for journal
start "$bin/journal_app" "$work/btrfs/journal" --socket "$work/sockets"
echo "  application: $answer"
tell fill 500
if set=$("${frame[@]}" backup "$work/backups" --type full); then
  echo "  backed up: $set"
  "$bin/stillframe" verify "$set" || failed=1
  tell put "written after the backup"
  echo "  newest entry now: $answer"
  "${frame[@]}" restore "$set" || failed=1
  tell count
  echo "  newest entry after the restore: $answer"
  [[ $answer == 500 ]] || { echo "  expected 500"; failed=1; }
  showed
  say "What happened during that backup"
  "$bin/stillframe" show "$set" --timeline || failed=1
else
  failed=1
fi

finish
