"""A test that is not in the build does not exist: every test and fuzz source is compiled."""
import json

from tree import CannotRun, Finding


def compiled(tree):
    """The sources of the build, relative to the tree."""
    database = tree.build / "compile_commands.json" if tree.build else None
    if database is None or not database.exists():
        raise CannotRun("needs --build with a configured build folder")
    root = tree.root.resolve()
    entries = json.loads(database.read_text(encoding="utf-8"))
    return {entry["file"].removeprefix(f"{root}/") for entry in entries}


def check(tree):
    built = compiled(tree)
    return [Finding(file, 0, "is in no CMakeLists.txt, so it never runs")
            for file in tree.files
            if file.endswith(("_test.cpp", "_fuzz.cpp")) and file not in built]
