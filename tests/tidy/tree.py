"""The source tree as the checks see it, and what they say about it."""
import functools
import json
import pathlib
import re
import subprocess
from dataclasses import dataclass

CXX_SUFFIXES = {".cpp", ".hpp", ".c", ".h"}
BATCH = re.compile(r"/CMakeFiles/[^/]+\.dir/Unity/unity_\d+_(c\.c|cxx\.cxx)$")
BATCHED = re.compile(r'^#include "(.+)"$', re.MULTILINE)


class CannotRun(Exception):
    """A tool or a build that a check needs is missing; the text says which."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong: where, and what to do about it."""
    file: str
    line: int
    text: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class Tree:
    """The files of one checkout. `build` is a configured build folder or None."""

    def __init__(self, root, build=None, files=None):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build).resolve() if build else None
        self.files = sorted(files if files is not None else self._listed())

    def _listed(self):
        """Tracked files and new ones, but nothing that git ignores."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root, check=True, capture_output=True, text=True)
        return {name for name in listed.stdout.split("\0") if name and (self.root / name).is_file()}

    def cxx(self, *folders):
        """C and C++ files, of the whole tree or below some folders."""
        return [name for name in self.files
                if pathlib.PurePath(name).suffix in CXX_SUFFIXES
                and (not folders or name.startswith(folders))]

    @functools.lru_cache(maxsize=None)
    def read(self, name):
        """The text of a file; None if it is not text."""
        data = (self.root / name).read_bytes()
        if b"\0" in data[:4096]:
            return None
        return data.decode("utf-8", errors="surrogateescape")

    def compiled(self):
        """Compile commands of the build, by the names of their sources. A source that is compiled in a
        batch with others has the command that would compile it alone."""
        database = self.build / "compile_commands.json" if self.build else None
        if database is None or not database.exists():
            raise CannotRun("needs --build with a configured build folder")
        root = f"{self.root.resolve()}/"
        found = {}
        for entry in json.loads(database.read_text(encoding="utf-8")):
            for one in _without_batch(entry):
                found.setdefault(one["file"].removeprefix(root), one)
        return found

    def lines(self, name):
        """(number, line) pairs; none for a file that is not text."""
        return enumerate((self.read(name) or "").splitlines(), start=1)


def _without_batch(entry):
    """The entry itself or, for one of CMake's unity batches, an entry for each source in it."""
    batch = entry["file"]
    if not BATCH.search(batch):
        return [entry]
    return [{**entry, "file": source, "command": entry["command"].replace(batch, source)}
            for source in BATCHED.findall(pathlib.Path(batch).read_text(encoding="utf-8"))]
