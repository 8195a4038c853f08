#!/usr/bin/env python3
"""Adds up what a run of `./dev test` did, case by case, over all configurations.

A configuration leaves build/NAME/results/junit.xml (CTest: one entry a program) and, for each
GoogleTest program, results/PROGRAM.xml (one entry a case). A program that died left no XML of its own:
its cases are then read from its output. Prints the skipped and the failed by name and ends with
"N passed, N failed". Exits with 1 if anything failed or nothing ran.
"""
import argparse
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tidy"))

from checks import parity  # noqa: E402  (needs the path above)
from tree import Tree  # noqa: E402

Outcome = collections.namedtuple("Outcome", "status configuration name reason")


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def skip_reason(case):
    """GoogleTest writes 'file:line' and the reason on the lines after it."""
    skipped = case.find("skipped")
    message = (skipped.get("message") or "") if skipped is not None else ""
    words = [line.strip() for line in message.splitlines()[1:] if line.strip()]
    return " ".join(words) or "no reason given"


def googletest_cases(path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = f'{case.get("classname")}.{case.get("name")}'
        if case.find("failure") is not None:
            yield "failed", name, last_line(case.find("failure").get("message"))
        elif case.get("result") == "skipped":
            yield "skipped", name, skip_reason(case)
        elif case.get("status") == "run":
            yield "passed", name, ""


def cases_from_output(output):
    """What a program that died had finished, and which case it died in."""
    running = None
    for line in output.splitlines():
        match = re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+)", line)
        if not match:
            continue
        word, name = match[1], match[2].rstrip(",")
        if word == "RUN":
            running = name
        elif name == running:
            running = None
            yield {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[word], name, ""
    if running:
        yield "failed", running, "the program ended in this case"


def program_outcomes(entry, results, filtered):
    """(status, name, reason) of everything one CTest entry stands for."""
    name, status = entry.get("name"), entry.get("status")
    output = entry.findtext("system-out") or ""
    own = results / f"{name}.xml"
    if own.exists():
        cases = list(googletest_cases(own))
        if not cases and not filtered:
            cases.append(("failed", name, "the program ran no test case"))
    elif "[ RUN      ]" in output:
        cases = list(cases_from_output(output))
    else:
        if status == "run":
            return [("passed", name, "")]
        if entry.find("skipped") is not None and entry.find("failure") is None:
            if "SKIP_RETURN_CODE" in (entry.find("skipped").get("message") or ""):
                return [("skipped", name, last_line(output))]
            return [("failed", name, entry.find("skipped").get("message") or "did not run")]
        return [("failed", name, last_line(output))]
    if status != "run" and not any(case[0] == "failed" for case in cases):
        # A leak or a race reported at exit, or a timeout between two cases.
        cases.append(("failed", name, f"every case passed, then: {last_line(output)}"))
    return cases


def configuration_outcomes(configuration, filtered):
    results = pathlib.Path("build") / configuration / "results"
    junit = results / "junit.xml"
    if not junit.exists():
        if not filtered:
            yield Outcome("failed", configuration, "ctest", "left no results")
        return
    for entry in ElementTree.parse(junit).iter("testcase"):
        for status, name, reason in program_outcomes(entry, results, filtered):
            yield Outcome(status, configuration, name, reason)


def extra_outcomes(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        yield Outcome(*line.split("\t", 3))


def plain_name(name):
    """The name in the source of a case: without what parameters and types add to it."""
    suite, dot, case = name.partition(".")
    parts = [part for part in suite.split("/") if not part.isdigit()]
    return parts[-1] + dot + case.split("/")[0] if dot and parts else name


def unproven(outcomes, tree):
    """What a parity table calls done although its test neither passed nor was skipped for a reason."""
    seen = {plain_name(outcome.name) for outcome in outcomes} | {outcome.name for outcome in outcomes}
    for file, line, test in parity.claimed(tree):
        if test not in seen:
            yield Outcome("failed", "parity", f"{file}:{line}", f"its proof {test} did not run")


def show(title, outcomes):
    if outcomes:
        print(f"== {title}")
    for outcome in outcomes:
        print(f"{outcome.configuration}: {outcome.name}: {outcome.reason}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--filtered", action="store_true", help="programs may have run no case")
    options.add_argument("--extra", required=True, help="results from outside CTest, tab separated")
    options.add_argument("configurations", nargs="*")
    chosen = options.parse_args()

    outcomes = list(extra_outcomes(chosen.extra))
    for configuration in chosen.configurations:
        outcomes += configuration_outcomes(configuration, chosen.filtered)
    if not chosen.filtered and "release" in chosen.configurations:
        outcomes += list(unproven(outcomes, Tree(".")))
    by_status = collections.defaultdict(list)
    for outcome in outcomes:
        by_status[outcome.status].append(outcome)

    show("skipped, and why", by_status["skipped"])
    show("failed", by_status["failed"])
    passed, failed, skipped = (len(by_status[s]) for s in ("passed", "failed", "skipped"))
    if passed + failed == 0:
        print("no test ran")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
