"""Shell scripts pass shellcheck and say how they fail; Python files compile."""
import re
import shutil
import subprocess

from tree import CannotRun, Finding

TOOL = "shellcheck"
SHEBANG = re.compile(r"#!.*\b(ba|da)?sh\b|# shellcheck shell=")
# Sourced or one-line files aside, a script stops at the first failure.
STRICT = re.compile(r"^set -\w*e\w*u?\b|^set -u\b", re.MULTILINE)


def is_shell(text):
    return bool(text) and bool(SHEBANG.match(text))


def check_shell(tree, files):
    done = subprocess.run([TOOL, "-x", "-f", "gcc", *files], cwd=tree.root, capture_output=True, text=True,
                          check=False)
    for line in done.stdout.splitlines():
        if match := re.match(r"([^:]+):(\d+):\d+: (.*)", line):
            yield Finding(match[1], int(match[2]), match[3])
    for file in files:
        text = tree.read(file)
        if text.startswith("#!") and not STRICT.search(text):
            yield Finding(file, 0, "a script begins with 'set -euo pipefail'")


def check_python(tree):
    for file in tree.files:
        if file.endswith(".py"):
            try:
                compile(tree.read(file), file, "exec")
            except SyntaxError as error:
                yield Finding(file, error.lineno or 0, f"does not compile: {error.msg}")


def check(tree):
    findings = list(check_python(tree))
    files = [file for file in tree.files if not file.endswith(".sample") and is_shell(tree.read(file))]
    if files and not shutil.which(TOOL):
        raise CannotRun(f"{TOOL} not found")
    return findings + (list(check_shell(tree, files)) if files else [])
