#!/bin/bash
# The deduplicating volume's part of the demonstration: what it saves, a backup of it while a job
# runs, single files restored from that backup with what had to be read for them, and the whole
# volume restored.
#
# STILLFRAME_BIN: where the programs are (build/release/bin). DEMO_FOLDERS: copies of the data (6).
set -euo pipefail
# shellcheck source=samples/demo/common.sh
source "$(dirname "$0")/common.sh"
folders=${DEMO_FOLDERS:-6}
host=
loop=

# shellcheck disable=SC2317  # called by the trap
end_of_part() {
  if [[ -n $host ]]; then
    kill "$host" 2>/dev/null || true
    wait "$host" 2>/dev/null || true
  fi
  cleanup
  if [[ -n $loop ]]; then losetup -d "$loop" 2>/dev/null || true; fi
}
trap end_of_part EXIT

ctl() { STILLFRAME_DEDUP_RUN=$work/engines "$bin/dedupctl" "$@"; }
number() { grep -o "\"$1\": *[0-9-]*" | head -n 1 | grep -o -- '-\?[0-9]*$'; }
sums_of() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
mib() { awk -v b="$1" 'BEGIN {printf "%.1f MiB", b / 1048576}'; }

# A release of some program in several editions: the same files but for a few, which differ by a
# line in their middle.
make_data() {
  local at=$1 i file sources
  mapfile -d '' -t sources < <(find framework requestor writers -name '*.cpp' -print0 | sort -z)
  mkdir -p "$at/edition1"
  for i in 1 2 3 4 5 6; do
    head -c $((i * 700000)) /dev/urandom >"$at/edition1/part$i.bin"
    cat "${sources[@]:0:$((i * 20))}" >"$at/edition1/text$i.txt"
  done
  for ((i = 2; i <= folders; i++)); do
    cp -r "$at/edition$((i - 1))" "$at/edition$i"
    file=$at/edition$i/part$((i % 6 + 1)).bin
    printf 'a line of edition %d\n' "$i" | dd of="$file" bs=1 seek=300000 conv=notrunc status=none
  done
}

say "What would be saved of $folders editions of the same data"
make_data "$work/data"
measured=$(ctl --json measure "$work/data")
bytes=$(number bytes <<<"$measured")
stored=$(number optimized_size <<<"$measured")
echo "  $(mib "$bytes") in $(number files <<<"$measured") files would take $(mib "$stored")"
((stored * 2 < bytes)) || { echo "  expected less than half"; failed=1; }
showed

why=
if [[ $(id -u) != 0 ]]; then why="needs root"
elif [[ ! -e /dev/fuse ]]; then why="there is no /dev/fuse"
elif ! command -v mkfs.btrfs >/dev/null; then why="mkfs.btrfs is not installed"
elif ! truncate -s 768M "$work/volume.img" || ! mkfs.btrfs -q "$work/volume.img" >/dev/null 2>&1; then why="mkfs.btrfs failed"
elif ! loop=$(losetup --find --show "$work/volume.img" 2>/dev/null); then why="no loop device"
fi
if [[ -n $why ]]; then
  cannot_show "a deduplicated volume, its backup and its restores ($why)"
  finish
fi

say "A file system becomes a deduplicated volume"
mkdir -p "$work/volume" "$work/rescue"
ctl enable --age-min-days 0 --mean-chunk 16 "$loop" >/dev/null
ctl mount "$loop" "$work/volume" >/dev/null
cp -r "$work/data/edition1" "$work/volume/"
ctl optimize "$work/volume" >/dev/null
# The newest edition stays out of the job's way, so that there is something left for it to do.
for ((i = 2; i <= folders; i++)); do cp -r "$work/data/edition$i" "$work/volume/"; done
sums_of "$work/volume" >"$work/before"
echo "  $(wc -l <"$work/before") files are on it"

say "It is backed up optimized, while a job runs"
frame_for "Dedup Writer"
config="{\"name\": \"demo\", \"device\": \"$loop\", \"run\": \"$work/engines\"}"
mkfifo "$work/host-input"
"$bin/stillframe-plugin-host" --name demo --kind writer --socket-dir "$work/sockets" \
  --file "${STILLFRAME_PLUGINS:-$bin/../lib}/stillframe-writer-dedup.so" --config "$config" \
  <"$work/host-input" 2>"$work/host.log" &
host=$!
exec 9>"$work/host-input" # closed, it ends
ctl optimize --background "$work/volume" >/dev/null
job=$(ctl --json job "$work/volume" | grep -o '"job": *"[a-z]*"' || true)
if ! set=$("${frame[@]}" -q backup "$work/backups"); then
  echo "  the backup failed"
  sed 's/^/  /' "$work/host.log"
  failed=1
  finish
fi
echo "  a job was under way: ${job:-it was over already}"
"$bin/stillframe" verify "$set" || failed=1
echo "  $(du -sh "$set" | cut -f1) for $(du -sh --apparent-size "$work/data" | cut -f1) of files"
showed

say "Two files are restored from it, and nothing else is read than they need"
while ctl --json job "$work/volume" | grep -q '"job": *"'; do sleep 0.2; done
tree=$work/engines/backup/demo
"${frame[@]}" restore "$set" --only Volume=Volume/Files --writer-options '"Leave Marked"="yes"' \
  --map "$tree/.stillframe-dedup/incoming=$work/rescue" >/dev/null || failed=1
wanted=(edition1/part3.bin edition1/text6.txt)
restored=$(ctl --json restore --from "$set/data$tree" --to "$work/rescue" "${wanted[@]}") || failed=1
for file in "${wanted[@]}"; do
  cmp "$work/data/$file" "$work/rescue/$file" || failed=1
done
bytes=$(number restored_bytes <<<"$restored")
read_of=$(number container_bytes_read <<<"$restored")
echo "  ${#wanted[@]} files, $(mib "$bytes"): $(mib "$read_of") read of the containers, $(number table_bytes_read <<<"$restored") bytes of the file table"
awk -v r="$read_of" -v b="$bytes" 'BEGIN {printf "  read amplification %.2f\n", r / b; exit !(r < 2 * b)}' ||
  { echo "  expected less than 2"; failed=1; }
showed

say "The volume is damaged, and restored as a whole"
rm -rf "$work/volume/edition1" "$work/volume/edition2"
echo "written after the backup" >"$work/volume/later"
ctl unmount "$work/volume" >/dev/null
"${frame[@]}" restore "$set" || failed=1
ctl mount "$loop" "$work/volume" >/dev/null
sums_of "$work/volume" >"$work/after"
if cmp -s "$work/before" "$work/after"; then
  echo "  every file is what it was at the backup"
else
  echo "  files differ:"
  diff "$work/before" "$work/after" | head -n 5 | sed 's/^/  /' || true
  failed=1
fi
ctl --json scrub --deep "$work/volume" | grep -q '"damaged_files": *0' || { echo "  the store is damaged"; failed=1; }
ctl status "$work/volume" | grep -E '^(saved_space|savings_rate|optimized_files_count):' | sed 's/^/  /'
ctl unmount "$work/volume" >/dev/null
showed
finish
