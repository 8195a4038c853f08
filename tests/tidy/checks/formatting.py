"""Every C and C++ file is as clang-format 14 would write it."""
import concurrent.futures
import os
import shutil
import subprocess

from tree import CannotRun, Finding

TOOL = "clang-format-14"


# Enough to keep every processor busy, and far fewer starts than files.
FILES_PER_RUN = 16


def changed_among(tree, files):
    """Those of some files that are not as the tool would write them."""
    done = subprocess.run([TOOL, "--style=file", "--dry-run", *files], cwd=tree.root, capture_output=True,
                          text=True, check=False)
    named = {line.split(":", 1)[0] for line in done.stderr.splitlines() if "[-Wclang-format" in line}
    return named if done.returncode == 0 else set(files)


def check(tree):
    if not shutil.which(TOOL):
        raise CannotRun(f"{TOOL} not found")
    files = tree.cxx()
    runs = [files[i:i + FILES_PER_RUN] for i in range(0, len(files), FILES_PER_RUN)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        changed = pool.map(lambda run: changed_among(tree, run), runs)
    return [Finding(file, 0, "not formatted; run ./dev format") for found in changed for file in found]
