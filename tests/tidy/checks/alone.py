"""A source compiles without the others of its target, although unity builds compile them as one.

Compiling each of them again would cost what the batches save. What the last commit and the working tree
change is looked at every time, and of the rest a twentieth: the next one with every commit.
"""
import concurrent.futures
import os
import shutil
import subprocess

from checks.coroutines import compile_flags
from tree import CannotRun, Finding

COMPILER = "g++"
PARTS = 20
CHANGED_MAX = 40  # a commit that changes more is left to the turns


def git(tree, *words):
    done = subprocess.run(["git", *words], cwd=tree.root, capture_output=True, text=True, check=False)
    return done.stdout.split("\n") if done.returncode == 0 else []


def chosen(tree, sources):
    """Which of the sources have their turn."""
    changed = set(git(tree, "diff", "--name-only", "HEAD~1")).intersection(sources)
    turn = int((git(tree, "rev-list", "--count", "HEAD") or [""])[0] or 0) % PARTS
    return sorted(set(sources[turn::PARTS]).union(sorted(changed)[:CHANGED_MAX]))


def compile_alone(name, entry):
    command = [COMPILER, *compile_flags(entry), "-fsyntax-only", entry["file"]]
    done = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    first = next((line for line in done.stderr.splitlines() if "error" in line), "does not compile")
    return [Finding(name, 0, f"alone, without the other files of its target: {first}")]


def check(tree):
    if not shutil.which(COMPILER):
        raise CannotRun(f"{COMPILER} not found")
    entries = {name: entry for name, entry in tree.compiled().items()
               if name in tree.files and name.endswith(".cpp")}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda name: compile_alone(name, entries[name]), chosen(tree, sorted(entries)))
    return [finding for each in found for finding in each]
