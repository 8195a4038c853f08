"""Runs a crash test and has ese_judge.py look at one in a hundred of the databases that it leaves.

    ese_crash_results_test.py PROGRAM [ARGUMENT...]
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left in the source folder

from ese_judge import Judge


def main():
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"STILLFRAME_KEEP_RESULTS": folder}
        done = subprocess.run(sys.argv[1:], check=False, env=environment)
        kept = sorted(pathlib.Path(folder).glob("*.edb"))
        judges = {path.name: Judge(path) for path in kept}
    findings = [f"{name}: {finding}" for name, judge in judges.items() for finding in judge.findings]
    for finding in findings[:20]:
        print("FAILED:", finding)
    print(f"{len(judges)} results judged by the reader made from docs/formats: "
          f"{sum(judge.rows for judge in judges.values())} rows, "
          f"{sum(judge.lost for judge in judges.values())} pages lost, {len(findings)} findings")
    if not judges:
        print("FAILED: the test kept no result")
    sys.exit(1 if done.returncode != 0 or findings or not judges else 0)


if __name__ == "__main__":
    main()
