"""Every C and C++ file is as clang-format 14 would write it."""
import concurrent.futures
import os
import shutil
import subprocess

from tree import CannotRun, Finding

TOOL = "clang-format-14"


def would_change(tree, file):
    text = (tree.root / file).read_bytes()
    done = subprocess.run([TOOL, "--style=file", f"--assume-filename={tree.root / file}"], input=text,
                          capture_output=True, check=False)
    return done.returncode != 0 or done.stdout != text


def check(tree):
    if not shutil.which(TOOL):
        raise CannotRun(f"{TOOL} not found")
    files = tree.cxx()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        changed = pool.map(lambda file: would_change(tree, file), files)
    return [Finding(file, 0, "not formatted; run ./dev format")
            for file, change in zip(files, changed) if change]
