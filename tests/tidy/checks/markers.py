"""No doubt is left in the tree: markers, switched-off tests, paths of one machine, overlong files."""
import re

from tree import Finding, CXX_SUFFIXES

# Written apart, so that this file does not trip over itself.
MARKERS = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]) + r")\b")
SWITCHED_OFF = re.compile(r"DISABLED" r"_|^\s*//\s*(TEST|TEST_F|TEST_P|TYPED_TEST)\(|^\s*#\s*if\s+0\b")
MACHINE_PATH = re.compile(r"(?<![\w.)}-])/(work|root|farm)/|/tmp/" r"sf/|/home/[a-z]")
WORKSHOP = re.compile(r"\.\./shared/(?!corpus)")

LINES_MAX = 700
BYTES_MAX = 500_000
# Data whose bytes are the point: nobody reads it line by line.
DATA = ("tests/fuzz/corpus/", "tests/data/")
CODE_SUFFIXES = CXX_SUFFIXES | {".py", ".sh", ".cmake"}


def is_code(file):
    return any(file.endswith(suffix) for suffix in CODE_SUFFIXES)


def check_line(file, number, line):
    if match := MARKERS.search(line):
        yield Finding(file, number, f"leftover marker {match[0]}: finish it, or say it where it is tracked")
    if is_code(file) and SWITCHED_OFF.search(line):
        yield Finding(file, number, "a test or code that is switched off: mend it or remove it")
    if match := MACHINE_PATH.search(line):
        yield Finding(file, number, f"a path of one machine: {match[0]}")
    if match := WORKSHOP.search(line):
        yield Finding(file, number, f"a path outside the project: {match[0]}")


def check(tree):
    findings = []
    for file in tree.files:
        if file.startswith(DATA):
            continue
        size = (tree.root / file).stat().st_size
        if size > BYTES_MAX:
            findings.append(Finding(file, 0, f"{size} bytes; at most {BYTES_MAX} belong in the repository"))
            continue
        count = 0
        for count, line in tree.lines(file):
            findings += check_line(file, count, line)
        if is_code(file) and count > LINES_MAX:
            findings.append(Finding(file, 0, f"{count} lines; one job a file needs at most {LINES_MAX}"))
    return findings
