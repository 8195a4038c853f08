"""Each public header compiles alone, twice in one file, with both compilers; C headers as C11 too."""
import concurrent.futures
import os
import shutil
import subprocess

from tree import CannotRun, Finding

FOLDER = "framework/include"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion",
            "-Werror", "-fsyntax-only"]


def commands(header):
    """The compiler command lines a header must survive."""
    lines = [[compiler, "-std=c++20", "-x", "c++"] for compiler in ("g++", "clang++-14")]
    if header.endswith(".h"):
        lines += [[compiler, "-std=c11", "-x", "c"] for compiler in ("gcc", "clang-14")]
    return lines


def compile_alone(tree, header, command):
    name = header.removeprefix(FOLDER + "/")
    unit = f"#include <{name}>\n#include <{name}>\n"
    done = subprocess.run([*command, *WARNINGS, f"-I{tree.root / FOLDER}", "-"], input=unit,
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    first = next((line for line in done.stderr.splitlines() if "error" in line), "does not compile")
    return [Finding(header, 0, f"alone, with {' '.join(command)}: {first}")]


def check(tree):
    if missing := [tool for tool in ("g++", "clang++-14") if not shutil.which(tool)]:
        raise CannotRun(f"{' and '.join(missing)} not found")
    work = [(tree, header, command) for header in tree.cxx(FOLDER + "/") for command in commands(header)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [finding for found in pool.map(lambda job: compile_alone(*job), work) for finding in found]
