"""A test that is not in the build does not exist: every test and fuzz source is compiled."""
from tree import Finding


def check(tree):
    built = tree.compiled()
    return [Finding(file, 0, "is in no CMakeLists.txt, so it never runs")
            for file in tree.files
            if file.endswith(("_test.cpp", "_fuzz.cpp")) and file not in built]
