#!/bin/bash
# The sample's directory, backed up online and restored in restore mode.
#
#   directory_server_test.sh DIRECTORY_SERVER
set -euo pipefail
server=$1
trap 'echo "line $LINENO failed"' ERR
work=$(mktemp -d "${TMPDIR:-/tmp}/stillframe-directory.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$server" "$work/d" add one
"$server" "$work/d" add two
"$server" "$work/d" backup "$work/set"
"$server" "$work/d" add three
[[ $("$server" "$work/d" list) == $'one\ntwo\nthree' ]]

# The wrong mode, and a token that is missing.
if "$server" "$work/d" restore-online "$work/set" 2>"$work/why"; then exit 1; fi
grep -q 0xC800073A "$work/why"
mv "$work/set/token" "$work/token"
if "$server" "$work/d" restore "$work/set" 2>"$work/why"; then exit 1; fi
grep -q 0xC7FF000F "$work/why"
[[ $("$server" "$work/d" list) == $'one\ntwo\nthree' ]]
mv "$work/token" "$work/set/token"

"$server" "$work/d" restore "$work/set"
[[ -e $work/d/restore.env ]]
if "$server" "$work/d" restore "$work/set" 2>"$work/why"; then exit 1; fi
grep -q 0xC7FF0004 "$work/why"
[[ $("$server" "$work/d" list) == $'one\ntwo' ]]
[[ ! -e $work/d/restore.env ]]

# A copy that fails: the server stays down until a restore that succeeds.
mv "$work/set/names.edb" "$work/away"
if "$server" "$work/d" restore "$work/set" 2>"$work/why"; then exit 1; fi
if "$server" "$work/d" list 2>"$work/why"; then exit 1; fi
grep -q "esectl restore" "$work/why"
mv "$work/away" "$work/set/names.edb"
"$server" "$work/d" restore "$work/set"
[[ $("$server" "$work/d" list) == $'one\ntwo' ]]
