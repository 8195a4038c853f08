#!/usr/bin/env python3
"""Each check finds what it is for in a bad tree and nothing in a good one."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from checks import (coroutines, docs, formatting, headers, includes, markers, parity,  # noqa: E402
                    registered, requirements, scripts)
from tree import CannotRun, Tree  # noqa: E402


class OnATree(unittest.TestCase):
    """Writes a small tree and runs one check on it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def run_check(self, module, files, built=None):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        build = None
        if built is not None:
            build = self.root / "build"
            build.mkdir(exist_ok=True)
            (build / "compile_commands.json").write_text(json.dumps(
                [{"file": str(self.root / name), "directory": str(self.root),
                  "command": f"ccache g++ -std=c++20 -o x.o -c {self.root / name}"} for name in built]))
        return module.check(Tree(self.root, build, files=files))

    def assert_found(self, findings, *words):
        self.assertEqual(len(findings), len(words), [str(finding) for finding in findings])
        for finding, word in zip(sorted(findings), words):
            self.assertIn(word, str(finding))


class Includes(OnATree):
    def one(self, file, include):
        files = {file: f"#include {include}\n"}
        for name in ("framework/base/a.hpp", "framework/io/a.hpp", "framework/model/a.hpp", "framework/coordinator/a.hpp",
                     "framework/sdk/a.hpp", "writers/ese/engine/a.hpp", "writers/ese/writer/a.hpp",
                     "requestor/client/a.hpp", "tests/support/a.hpp", "framework/include/stillframe/a.hpp"):
            files.setdefault(name, "")
        return self.run_check(includes, files)

    def test_refuses_what_points_up(self):
        for file, include in (
                ("framework/base/x.cpp", '"framework/model/a.hpp"'),
                ("framework/model/x.cpp", '"framework/coordinator/a.hpp"'),
                ("framework/model/x.cpp", '"framework/io/a.hpp"'),
                ("framework/coordinator/x.cpp", '"requestor/client/a.hpp"'),
                ("requestor/cli/x.cpp", '"framework/coordinator/a.hpp"'),
                ("requestor/cli/x.cpp", '"writers/ese/engine/a.hpp"'),
                ("writers/ese/engine/x.cpp", '"framework/sdk/a.hpp"'),
                ("writers/ese/engine/x.cpp", '"writers/ese/writer/a.hpp"'),
                ("writers/dedup/volume/x.cpp", '"writers/ese/engine/a.hpp"'),
                ("samples/shop/x.cpp", '"framework/base/a.hpp"'),
                ("framework/base/x.cpp", '"tests/support/a.hpp"'),
                ("elsewhere/x.cpp", '"framework/base/a.hpp"')):
            with self.subTest(file=file, include=include):
                self.assertEqual(len(self.one(file, include)), 1)

    def test_refuses_includes_that_are_not_from_the_top(self):
        self.assert_found(self.one("framework/base/x.cpp", '"a.hpp"'), "from the top of the tree")

    def test_public_headers_use_only_the_standard_library(self):
        header = "framework/include/stillframe/x.hpp"
        for include in ("<boost/asio.hpp>", "<nlohmann/json.hpp>", "<unistd.h>", '"framework/base/a.hpp"'):
            with self.subTest(include=include):
                self.assertEqual(len(self.one(header, include)), 1)
        for include in ("<string>", "<stillframe/a.hpp>", "<stdint.h>"):
            with self.subTest(include=include):
                self.assertEqual(self.one(header, include), [])

    def test_the_model_does_no_io(self):
        self.assert_found(self.one("framework/model/x.cpp", "<boost/asio.hpp>"), "no I/O")

    def test_accepts_what_points_down(self):
        for file, include in (
                ("framework/model/x.cpp", '"framework/base/a.hpp"'),
                ("framework/coordinator/x.cpp", '"framework/sdk/a.hpp"'),
                ("writers/ese/writer/x.cpp", '"writers/ese/engine/a.hpp"'),
                ("writers/ese/writer/x.cpp", '"framework/sdk/a.hpp"'),
                ("requestor/cli/x.cpp", '"framework/model/a.hpp"'),
                ("requestor/cli/x.cpp", '"requestor/client/a.hpp"'),
                ("samples/shop/x.cpp", "<stillframe/a.hpp>"),
                ("tests/base/x_test.cpp", '"framework/coordinator/a.hpp"')):
            with self.subTest(file=file, include=include):
                self.assertEqual(self.one(file, include), [])


class Headers(OnATree):
    def setUp(self):
        super().setUp()
        if not shutil.which("clang++-14"):
            self.skipTest("clang++-14 not found")

    def test_a_header_that_needs_another_is_found(self):
        found = self.run_check(headers, {"framework/include/stillframe/x.hpp":
                                         "#pragma once\ninline std::string f() { return {}; }\n"})
        self.assert_found(found, "clang++-14", "g++")

    def test_a_header_without_a_guard_is_found(self):
        found = self.run_check(headers, {"framework/include/stillframe/x.hpp": "struct A {};\n"})
        self.assertEqual(len(found), 2)

    def test_a_c_header_must_be_c(self):
        found = self.run_check(headers, {"framework/include/stillframe/x.h":
                                         "#pragma once\nnamespace a {}\n"})
        self.assert_found(found, "clang-14 -std=c11", "gcc -std=c11")

    def test_good_headers_pass(self):
        found = self.run_check(headers, {
            "framework/include/stillframe/x.hpp":
                "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n",
            "framework/include/stillframe/y.h": "#pragma once\n#include <stdint.h>\ntypedef int32_t a;\n"})
        self.assertEqual(found, [])


class Registered(OnATree):
    def test_a_test_outside_the_build_is_found(self):
        files = {"tests/a/x_test.cpp": "", "tests/a/y_test.cpp": "", "tests/fuzz/z_fuzz.cpp": ""}
        found = self.run_check(registered, files, built=["tests/a/x_test.cpp"])
        self.assert_found(found, "y_test.cpp", "z_fuzz.cpp")
        self.assertEqual(self.run_check(registered, files, built=list(files)), [])

    def test_says_so_without_a_build(self):
        with self.assertRaises(CannotRun):
            self.run_check(registered, {})


class Markers(OnATree):
    def test_doubt_and_switched_off_code_are_found(self):
        for line in ("// TO" "DO later", "// FIX" "ME", "# HA" "CK", "TEST(A, DISABLED" "_B) {}",
                     "// TEST(A, B) {", "#if " "0", "// see /wo" "rk/main", "open(\"/ro" "ot/x\")",
                     "// ../sha" "red/design.md"):
            with self.subTest(line=line):
                self.assertEqual(len(self.run_check(markers, {"framework/base/x.cpp": line + "\n"})), 1)

    def test_overlong_and_large_files_are_found(self):
        self.assert_found(self.run_check(markers, {"a.cpp": "int a;\n" * 701}), "701 lines")
        self.assert_found(self.run_check(markers, {"a.bin": "x" * 500_001}), "500001 bytes")

    def test_ordinary_lines_pass(self):
        for line in ('mkdtemp("XXXXXX")', "// TEST explains", "/sys/fs/cgroup/root/x", "../sha" "red/corpus",
                     "#if 01", "toDO"):
            with self.subTest(line=line):
                self.assertEqual(self.run_check(markers, {"framework/base/x.cpp": line + "\n"}), [])


class Formatting(OnATree):
    def test_only_the_unformatted_file_is_found(self):
        if not shutil.which(formatting.TOOL):
            self.skipTest(f"{formatting.TOOL} not found")
        found = self.run_check(formatting, {".clang-format": "BasedOnStyle: Google\n",
                                            "good.cpp": "int a = 1;\n", "bad.cpp": "int  a=1 ;\n"})
        self.assert_found(found, "bad.cpp")


class Coroutines(OnATree):
    def test_reads_what_the_build_compiles_and_only_own_code(self):
        if not shutil.which(coroutines.TOOL):
            self.skipTest(f"{coroutines.TOOL} not found")
        sample = (HERE / "samples" / "coroutines.cpp.sample").read_text()
        files = {"framework/sdk/x.cpp": sample, "framework/sdk/calm.cpp": "int a;\n", "other/x.cpp": sample}
        found = self.run_check(coroutines, files, built=list(files))
        self.assertEqual({finding.file for finding in found}, {"framework/sdk/x.cpp"})
        self.assertEqual(len(found), sample.count("// flagged\n"))


class Parity(OnATree):
    HEAD = "# Exits\n\n| # | row | status | proof |\n|---|---|---|---|\n"

    def rows(self, *rows, name="docs/jet_parity.md", head=HEAD):
        return self.run_check(parity, {
            name: head + "".join(f"| {number} | x | {row} |\n" for number, row in enumerate(rows, start=1)),
            "docs/decisions/0001-a.md": "# 0001 A\n",
            "tests/a_test.cpp": "TEST(Suite, Works) {}\nTEST_P(Each, Works) {}\n"})

    def test_rows_that_prove_nothing_are_found(self):
        for row in ("done | `Suite.Gone`", "done | it works", "done | `Suite.Works`, `Each.Gone`",
                    "different | because", "different | [why](decisions/0002-b.md)", "refused | `not_supported`",
                    "not yet | ", "soon | `Suite.Works`"):
            with self.subTest(row=row):
                self.assertEqual(len(self.rows(row)), 1)

    def test_rows_that_hold_pass(self):
        self.assertEqual(self.rows("done | `Suite.Works` and `Each.Works`", "not yet | the daemon (order 3)",
                                   "different | [another separator](decisions/0001-a.md)",
                                   "refused | `not_supported`: there is no such hardware"), [])

    def test_a_missing_row_is_found(self):
        rows = ["not yet | the daemon"] * 107
        found = self.rows(*rows, name="docs/parity.md", head=self.HEAD.replace("Exits", "Features"))
        self.assert_found(found, "no row 108")

    def test_a_missing_table_is_found(self):
        self.assert_found(self.rows("not yet | the daemon", name="docs/parity.md"), "no table")


class Requirements(OnATree):
    def test_a_rival_and_a_missing_use_are_found(self):
        found = self.run_check(requirements, {"framework/transport/a.cpp": "int f() { return epoll_wait(); }\n"})
        self.assert_found(found, "ids: libuuid", "Asio: nothing here", "a second way")

    def test_the_required_libraries_pass(self):
        self.assertEqual(self.run_check(requirements, {
            "framework/transport/a.cpp": "#include <boost/asio.hpp>\n",
            "framework/model/a.cpp": "#include <nlohmann/json.hpp>\n",
            "framework/base/a.cpp": "#include <uuid/uuid.h>\n",
            "tests/a_test.cpp": "#include <gtest/gtest.h>\n"}), [])


class Docs(OnATree):
    SOURCE = "int x;\n  // [part]\n  int y;\n\n    int z;\n  // [/part]\n"
    PAGE = "<!-- from samples/a.cpp: part -->\n```cpp\nint y;\n\n  int z;\n```\n"

    def test_a_dead_link_is_found(self):
        found = self.run_check(docs, {"README.md": "[a](docs/gone.md) [b](docs) [c](https://example.org)\n",
                                      "docs/there.md": "[up](../README.md#part)\n"})
        self.assert_found(found, "docs/gone.md")

    def test_snippets_equal_their_source(self):
        self.assertEqual(self.run_check(docs, {"README.md": self.PAGE, "samples/a.cpp": self.SOURCE}), [])
        found = self.run_check(docs, {"README.md": self.PAGE.replace("int y", "int w"),
                                      "samples/a.cpp": self.SOURCE})
        self.assert_found(found, "differs from the region")
        self.assert_found(self.run_check(docs, {"README.md": self.PAGE}), "not there")
        self.assert_found(self.run_check(docs, {"README.md": self.PAGE, "samples/a.cpp": ""}), "no region")

    def test_decisions_are_numbered_once_and_indexed(self):
        found = self.run_check(docs, {"docs/decisions/README.md": "0001-a.md",
                                      "docs/decisions/0001-a.md": "# 0001 A\n",
                                      "docs/decisions/0001-b.md": "# B\n", "docs/decisions/c.md": "# C\n"})
        self.assert_found(found, "title starts with", "does not list 0001-b.md", "two decisions", "is named NNNN")


class Scripts(OnATree):
    def test_bad_scripts_are_found(self):
        if not shutil.which(scripts.TOOL):
            self.skipTest(f"{scripts.TOOL} not found")
        found = self.run_check(scripts, {"a.sh": "#!/bin/bash\nset -euo pipefail\nrm $1/*\n",
                                         "b.sh": "#!/bin/bash\necho\n", "c.py": "def f(:\n",
                                         "good": "#!/usr/bin/env bash\nset -euo pipefail\necho\n"})
        self.assert_found(found, "Double quote", "begins with 'set", "does not compile")


if __name__ == "__main__":
    unittest.main()
