#!/usr/bin/env python3
"""Runs the project's checks of itself: all of them, or those named.

A check is a module in checks/ with a function check(tree) that returns findings. Exits with 0 if there
are none, with 1 if there are, with 77 if a check could not run here.
"""
import argparse
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from tree import CannotRun, Tree  # noqa: E402  (needs the path above)


def names():
    return sorted(path.stem for path in (HERE / "checks").glob("*.py"))


def run(name, tree):
    return sorted(set(importlib.import_module(f"checks.{name}").check(tree)))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--list", action="store_true", help="name the checks")
    options.add_argument("--build", help="a configured build folder, for what compiles and what runs")
    options.add_argument("--root", default=HERE.parent.parent, help="the checkout to look at")
    options.add_argument("check", nargs="*", help="which checks to run; all if none is named")
    chosen = options.parse_args()
    if chosen.list:
        print("\n".join(names()))
        return 0
    unknown = set(chosen.check) - set(names())
    if unknown:
        print(f"tidy: no such check: {', '.join(sorted(unknown))}; --list names them")
        return 2

    tree = Tree(chosen.root, chosen.build)
    found = skipped = 0
    for name in chosen.check or names():
        try:
            findings = run(name, tree)
        except CannotRun as reason:
            skipped += 1
            print(f"tidy {name}: cannot run here: {reason}")
            continue
        found += len(findings)
        for finding in findings:
            print(f"{finding} [{name}]")
        print(f"tidy {name}: {len(findings)} findings in {len(tree.files)} files")
    if found:
        return 1
    return 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
