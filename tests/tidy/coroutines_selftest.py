#!/usr/bin/env python3
"""The coroutine lint flags exactly the lines of its sample that say so."""
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from checks import coroutines  # noqa: E402

SAMPLE = HERE / "samples" / "coroutines.cpp.sample"


class CoroutineLint(unittest.TestCase):
    def test_flags_exactly_the_marked_lines(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder).resolve() / "sample.cpp"
            shutil.copy(SAMPLE, source)
            found = coroutines.lint_file(source, ["-std=c++20"], folder, "sample.cpp")
        wanted = {number for number, line in enumerate(SAMPLE.read_text().splitlines(), start=1)
                  if line.endswith("// flagged")}
        self.assertEqual({line for _, line, _ in found}, wanted, sorted(found))

    def test_reports_a_file_that_clang_cannot_read(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "broken.cpp"
            source.write_text('#include "nowhere.hpp"\n')
            found = coroutines.lint_file(source, ["-std=c++20"], folder, "broken.cpp")
        self.assertEqual(len(found), 1)
        self.assertIn("clang cannot read this", next(iter(found))[2])

    def test_finds_the_compiler_behind_a_launcher(self):
        entry = {"file": "/a/x.cpp",
                 "command": "/usr/bin/cmake -E env A=b /usr/bin/ccache /usr/bin/g++-12 -I/a -std=gnu++20 "
                            "-o x.o -c /a/x.cpp"}
        self.assertEqual(coroutines.compile_flags(entry), ["-I/a", "-std=gnu++20"])


if __name__ == "__main__":
    if not shutil.which(coroutines.TOOL):
        print(f"{coroutines.TOOL} not found")
        sys.exit(77)
    unittest.main()
