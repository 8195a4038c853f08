#!/bin/bash
# The sample's table across runs: insert, unique key, range, update, delete.
#
#   address_book_test.sh ADDRESS_BOOK
set -euo pipefail
book=$1
trap 'echo "line $LINENO failed"' ERR
work=$(mktemp -d "${TMPDIR:-/tmp}/stillframe-address.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$book" "$work/b" add Grace grace@example.org "wrote compilers"
"$book" "$work/b" add Ada ada@example.org
"$book" "$work/b" add Adele adele@example.org
[[ $("$book" "$work/b" list) == $'2\tAda\tada@example.org\n3\tAdele\tadele@example.org\n1\tGrace\tgrace@example.org' ]]
[[ $("$book" "$work/b" list Ad) == $'2\tAda\tada@example.org\n3\tAdele\tadele@example.org' ]]
[[ $("$book" "$work/b" list X) == "" ]]
[[ $("$book" "$work/b" show grace@example.org) == "Grace: wrote compilers" ]]
[[ $("$book" "$work/b" show ada@example.org) == "Ada: nothing noted" ]]

# An address is there once, and a refusal leaves nothing behind.
if "$book" "$work/b" add Else ada@example.org 2>"$work/why"; then exit 1; fi
grep -q -e -1605 "$work/why"
[[ $("$book" "$work/b" list E) == "" ]]

"$book" "$work/b" rename ada@example.org Lovelace
[[ $("$book" "$work/b" list L) == $'2\tLovelace\tada@example.org' ]]
"$book" "$work/b" remove ada@example.org
status=0
"$book" "$work/b" show ada@example.org 2>"$work/why" || status=$?
[[ $status == 3 ]]
grep -q -e -1601 "$work/why"
[[ $("$book" "$work/b" list) == $'3\tAdele\tadele@example.org\n1\tGrace\tgrace@example.org' ]]
