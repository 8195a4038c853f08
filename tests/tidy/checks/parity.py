"""The parity tables (docs/*parity.md) are true: what they call done is tested.

A table is any with the columns "status" and "proof" and a first column that numbers its rows. A row is

  done       the proof names tests in backticks, `Suite.Test` or a CTest name, all of them in the build
  different  the proof links an existing page in docs/decisions/
  refused    the proof names the error in backticks and says why
  not yet    the proof says what it waits for
"""
import functools
import json
import re
import subprocess

from tree import Finding

PARITY_FILE = r"docs/\w*parity\.md"
STATUSES = ("done", "different", "refused", "not yet")
# Table heading -> its rows are numbered from 1 to this without a gap.
COMPLETE = {("docs/parity.md", "features"): 108}

NAMED = re.compile(r"`([^`]+)`")
CASE = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\(\s*(\w+)\s*,\s*(\w+)\s*\)")
PAGE = re.compile(r"\((?:\.\./docs/)?decisions/([\w.-]+\.md)\)")


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def tables(tree, file):
    """(heading, [(line number, {column: cell}), ...]) of each table with a status and a proof."""
    heading, columns, rows = "", None, []
    for number, line in [*tree.lines(file), (0, "")]:
        if line.startswith("#"):
            heading = line.lstrip("# ").lower()
        if not line.startswith("|"):
            if columns and {"status", "proof"} <= set(columns):
                yield heading, rows
            columns, rows = None, []
        elif columns is None:
            columns = [cell.lower() for cell in cells(line)]
        elif not re.fullmatch(r"[|\s:-]+", line):
            rows.append((number, dict(zip(columns, cells(line)))))


@functools.lru_cache(maxsize=None)
def googletest_names(tree):
    names = set()
    for file in tree.cxx("tests/"):
        names.update(f"{suite}.{case}" for suite, case in CASE.findall(tree.read(file) or ""))
    return names


@functools.lru_cache(maxsize=None)
def ctest_names(tree):
    if tree.build is None:
        return frozenset()
    shown = subprocess.run(["ctest", "--test-dir", tree.build, "--show-only=json-v1"],
                           capture_output=True, text=True, check=False)
    return frozenset(test["name"] for test in json.loads(shown.stdout or "{}").get("tests", []))


def claimed(tree):
    """(file, line, test) of every test that a row calls its proof."""
    for file in tree.files:
        if re.fullmatch(PARITY_FILE, file):
            for _, rows in tables(tree, file):
                for number, row in rows:
                    if row.get("status", "").lower() == "done":
                        yield from ((file, number, test) for test in NAMED.findall(row.get("proof", "")))


def check_row(tree, file, number, row):
    status, proof = row.get("status", "").lower(), row.get("proof", "")
    if status not in STATUSES:
        yield Finding(file, number, f"status '{status}' is none of {', '.join(STATUSES)}")
    elif status == "done":
        tests = NAMED.findall(proof)
        if not tests:
            yield Finding(file, number, "done, but the proof names no test in backticks")
        for test in tests:
            if test not in googletest_names(tree) and test not in ctest_names(tree):
                yield Finding(file, number, f"there is no test `{test}`")
    elif status == "different":
        pages = PAGE.findall(proof)
        if not pages:
            yield Finding(file, number, "different, but the proof links no page in decisions/")
        for page in pages:
            if f"docs/decisions/{page}" not in tree.files:
                yield Finding(file, number, f"there is no docs/decisions/{page}")
    elif status == "refused":
        if not NAMED.search(proof) or len(NAMED.sub("", proof).split()) < 3:
            yield Finding(file, number, "refused, but the proof does not name the error and say why")
    elif len(proof.split()) < 2:
        yield Finding(file, number, "not yet, but the proof does not say what it waits for")


def check_complete(file, heading, rows):
    wanted = COMPLETE.get((file, heading))
    if wanted is None:
        return
    numbers = [next(iter(row.values())) for _, row in rows]
    for missing in sorted(set(map(str, range(1, wanted + 1))) - set(numbers), key=int):
        yield Finding(file, 0, f"table '{heading}' has no row {missing}")
    for twice in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield Finding(file, 0, f"table '{heading}' has row {twice} more than once")


def check(tree):
    findings = []
    for file in tree.files:
        if not re.fullmatch(PARITY_FILE, file):
            continue
        found = list(tables(tree, file))
        for heading, rows in found:
            findings += check_complete(file, heading, rows)
            for number, row in rows:
                findings += check_row(tree, file, number, row)
        for wanted_file, heading in COMPLETE:
            if wanted_file == file and heading not in [name for name, _ in found]:
                findings.append(Finding(file, 0, f"there is no table under the heading '{heading}'"))
    return findings
