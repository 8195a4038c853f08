#!/bin/bash
# `stillframe exec` around backup tools as they are: tar by the snapshot's path, restic and borg at the
# original paths. Each must have stored what stood in the journal when the set was made.
#
#   exec_tools.sh STILLFRAME JOURNAL_APP
set -euo pipefail
program=$1 app=$2
skip() {
  echo "skipped: $*"
  exit 77
}
# Reads all of a list: who stops early kills whoever writes it, which pipefail takes for a failure.
holds() { grep -F -- "$1" >/dev/null; }
trap 'echo "line $LINENO failed"' ERR
[[ $(id -u) == 0 ]] || skip "needs root for loop devices and mounts"
command -v mkfs.btrfs >/dev/null || skip "mkfs.btrfs is not installed"

work=$(mktemp -d "${TMPDIR:-/tmp}/stillframe-exec.XXXXXX")
# shellcheck disable=SC2317  # called by the trap
cleanup() {
  exec 7>&- || true
  wait || true
  umount "$work/mnt" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
truncate -s 512M "$work/image"
mkfs.btrfs -q -f "$work/image" >/dev/null
mkdir "$work/mnt" "$work/sockets"
mount -o loop "$work/image" "$work/mnt" 2>/dev/null || skip "no loop device, or no btrfs"
cat >"$work/c.toml" <<END
state_dir = "$work/state"
runtime_dir = "$work/run"
END
mkfifo "$work/commands"
"$app" "$work/mnt/j" --socket "$work/sockets" <"$work/commands" >"$work/answers" &
exec 7>"$work/commands"
echo "fill 100" >&7
frame=("$program" --config "$work/c.toml" --embedded --socket "$work/sockets" --expect journal
  --wait-writers 20 -q)

# shellcheck disable=SC2016  # the command's shell expands it, not this one
"${frame[@]}" exec -- sh -c 'tar -C "$STILLFRAME_SNAPSHOT_1_ROOT" -cf "$0" j' "$work/t.tar"
tar -tf "$work/t.tar" | holds 'j/logs/00000001.log'

if command -v restic >/dev/null; then
  export RESTIC_PASSWORD=test RESTIC_REPOSITORY=$work/restic
  restic -q --no-cache init
  "${frame[@]}" exec --in-place -- restic -q --no-cache backup "$work/mnt/j"
  restic -q --no-cache ls latest | holds "$work/mnt/j/logs/00000001.log"
else
  echo "restic is not installed: not tried"
fi
if command -v borg >/dev/null; then
  export BORG_BASE_DIR=$work/borg-home
  mkdir "$BORG_BASE_DIR"
  borg init -e none "$work/borg"
  "${frame[@]}" exec --in-place -- borg create "$work/borg::one" "$work/mnt/j"
  borg list "$work/borg::one" | holds "mnt/j/logs/00000001.log"
else
  echo "borg is not installed: not tried"
fi

# A copy let nothing go; a full backup with a manifest does, one without does not even begin.
[[ -e $work/mnt/j/logs/00000001.log ]]
if "${frame[@]}" exec --type full -- true 2>/dev/null; then
  echo "a full backup without a manifest was accepted"
  exit 1
fi
if "${frame[@]}" exec --type full --manifest "$work/m" -- true 2>/dev/null; then
  echo "a promised manifest that was not written was accepted"
  exit 1
fi
[[ -e $work/mnt/j/logs/00000001.log ]]
# shellcheck disable=SC2016
"${frame[@]}" exec --type full --manifest "$work/m" -- sh -c 'echo stored > "$0"' "$work/m"
[[ ! -e $work/mnt/j/logs/00000001.log ]]
echo "tools stored what the set held"
