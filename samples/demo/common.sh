# What the parts of the demonstration share; sourced by them. Sets `bin`, `work`, `failed`, `app`.
# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here, the parts use
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
export STILLFRAME_LIBEXEC
bin=$(realpath "${STILLFRAME_BIN:-build/release/bin}")
STILLFRAME_LIBEXEC=${STILLFRAME_LIBEXEC:-$bin}
failed=0
shown=0
not_shown=()

# A part that comes to its end without having shown anything has failed.
showed() { shown=$((shown + 1)); }
say() { printf '\n== %s\n' "$*"; }
cannot_show() { not_shown+=("$*"); }

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

# frame_for WRITER: the command line in `frame`. One coordinator per verb, so each waits for the
# application to connect to it again.
frame_for() {
  mkdir -p "$work/sockets" "$work/backups"
  cat > "$work/stillframe.toml" <<END
state_dir = "$work/state"
runtime_dir = "$work/run"
END
  frame=("$bin/stillframe" --config "$work/stillframe.toml" --embedded --socket "$work/sockets" --expect "$1" --wait-writers 10)
}

# start PROGRAM [ARGUMENTS]: an application that answers each line with one, its first in `answer`.
start() {
  coproc APP { exec "$@"; }
  app=$APP_PID
  exec 7>&"${APP[1]}" 8<&"${APP[0]}"
  read -r -t 20 answer <&8 || answer="no answer"
}
tell() {
  echo "$*" >&7 || true
  read -r -t 60 answer <&8 || answer="no answer"
}

finish() {
  say "Done"
  for line in "${not_shown[@]}"; do echo "  could not show $line"; done
  if [[ $shown == 0 ]]; then
    echo "  nothing was shown"
    failed=1
  fi
  if [[ $failed == 0 ]]; then
    echo "  everything shown was as it should be"
  else
    echo "  something went wrong above"
  fi
  exit $failed
}
