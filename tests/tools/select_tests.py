#!/usr/bin/env python3
"""Turns the filter of `./dev test FILTER` into a ctest command line.

Prints, one word a line, the command that runs the tests whose CTest name contains the filter, or, if
none does, the GoogleTest programs with a matching case and only those cases. Prints nothing when
nothing matches.
"""
import json
import re
import subprocess
import sys


def ctest_tests(build, label):
    shown = subprocess.run(
        ["ctest", "--test-dir", build, "-L", f"^{label}$", "--show-only=json-v1"],
        check=True, capture_output=True, text=True)
    return json.loads(shown.stdout)["tests"]


def is_googletest(test):
    labels = [p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"]
    return any("gtest" in value for value in labels)


def cases_of(test):
    """The full names of the cases in one GoogleTest program."""
    listed = subprocess.run(test["command"][:1] + ["--gtest_list_tests"], check=False,
                            capture_output=True, text=True)
    suite = ""
    for line in listed.stdout.splitlines():
        word = line.split("#")[0].strip()
        if line.startswith(" "):
            yield suite + word
        elif word.endswith("."):
            suite = word


def main(build, label, wanted):
    tests = [test for test in ctest_tests(build, label) if "command" in test]
    by_name = [test["name"] for test in tests if wanted in test["name"]]
    if by_name:
        command = ["env", "ctest"]
    else:
        by_name = [test["name"] for test in tests
                   if is_googletest(test) and any(wanted in case for case in cases_of(test))]
        command = ["env", f"GTEST_FILTER=*{wanted}*", "ctest"]
    if by_name:
        names = "|".join(re.escape(name) for name in by_name)
        print("\n".join(command + ["-R", f"^({names})$"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
