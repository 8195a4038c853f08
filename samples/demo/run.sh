#!/bin/bash
# The guided demonstration: `./dev run`. Live applications on two real file systems, cut without and
# with their holds; then an application backed up and restored. Cleans up after itself.
#
#   samples/demo/run.sh [core|ese|dedup]
#
# STILLFRAME_BIN: where the programs are (build/release/bin). DEMO_CUTS: cuts of each kind (200).
set -euo pipefail
cd "$(dirname "$0")/../.."
export STILLFRAME_LIBEXEC
bin=$(realpath "${STILLFRAME_BIN:-build/release/bin}")
STILLFRAME_LIBEXEC=${STILLFRAME_LIBEXEC:-$bin}
cuts=${DEMO_CUTS:-200}
part=${1:-core}
failed=0
not_shown=()

say() { printf '\n== %s\n' "$*"; }
cannot_show() { not_shown+=("$*"); }

case $part in
  core) ;;
  ese | dedup) echo "The $part part of the demonstration comes with the $part writer."; exit 0 ;;
  *) echo "usage: run.sh [core|ese|dedup]" >&2; exit 2 ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/stillframe-demo.XXXXXX")
app=
# shellcheck disable=SC2317  # called by the trap
cleanup() {
  if [[ -n $app ]]; then
    exec 7>&- 8<&-
    kill "$app" 2>/dev/null || true
    wait "$app" 2>/dev/null || true
  fi
  # Only what this run mounted, inner ones first.
  local at
  while read -r at; do umount "$at" 2>/dev/null || umount -l "$at" 2>/dev/null || true; done \
    < <(awk -v w="$work/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | tac)
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# make_fs KIND: a file system on a loop image at $work/KIND, or a plain folder and a reason.
make_fs() {
  local kind=$1 at=$work/$1 image=$work/$1.img
  mkdir -p "$at"
  local why=
  if [[ $(id -u) != 0 ]]; then why="needs root"
  elif ! command -v "mkfs.$kind" >/dev/null; then why="mkfs.$kind is not installed"
  elif ! truncate -s 512M "$image" || ! "mkfs.$kind" -q -f "$image" >/dev/null 2>&1; then why="mkfs.$kind failed"
  elif ! mount -o loop "$image" "$at" 2>/dev/null; then why="no loop device, or no $kind in this kernel"
  fi
  if [[ -n $why ]]; then
    cannot_show "a real $kind ($why): a plain folder stood in for it"
  fi
}

say "Two file systems"
make_fs btrfs
make_fs xfs
mkdir -p "$work/btrfs/bank" "$work/xfs/bank"
df -hT "$work/btrfs" "$work/xfs" | sed 's/^/  /'

say "A bank moves money between them; $cuts cuts without the hold, $cuts with it"
result=0
"$bin/demo_cuts" "$work/btrfs/bank" "$work/xfs/bank" "$work" "$cuts" || result=$?
case $result in
  0) ;;
  4) cannot_show "a broken sum: no cut without the hold happened to fall into a transfer" ;;
  *) failed=1 ;;
esac

say "An application with its own log is backed up, damaged and restored"
# One coordinator per verb, so each waits for the application to connect to it again.
mkdir -p "$work/sockets" "$work/backups"
cat > "$work/stillframe.toml" <<END
state_dir = "$work/state"
runtime_dir = "$work/run"
END
frame=("$bin/stillframe" --config "$work/stillframe.toml" --embedded --socket "$work/sockets" --expect journal --wait-writers 10)
start_app() {
  coproc APP { exec "$bin/journal_app" "$work/btrfs/journal" --socket "$work/sockets"; }
  app=$APP_PID
  exec 7>&"${APP[1]}" 8<&"${APP[0]}"
  read -r -t 10 answer <&8 || answer="no answer"
  echo "  application: $answer"
}
tell() {
  echo "$*" >&7 || true
  read -r -t 20 answer <&8 || answer="no answer"
}

start_app
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
  say "What happened during that backup"
  "$bin/stillframe" show "$set" --timeline || failed=1
else
  failed=1
fi

say "Done"
for line in "${not_shown[@]}"; do echo "  could not show $line"; done
if [[ $failed == 0 ]]; then
  echo "  everything shown was as it should be"
else
  echo "  something went wrong above"
fi
exit $failed
