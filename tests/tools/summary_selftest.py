#!/usr/bin/env python3
"""The totals of `./dev test` charge every kind of ending to the right case."""
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import summary  # noqa: E402  (needs the path above)

GOOGLETEST = """<testsuites><testsuite name="A">
  <testcase name="Good" status="run" result="completed" classname="A"/>
  <testcase name="Off" status="notrun" result="suppressed" classname="A"/>
  <testcase name="Skips" status="run" result="skipped" classname="A">
    <skipped message="a_test.cpp:3&#x0A;no btrfs here"/></testcase>
  <testcase name="Bad" status="run" result="completed" classname="Each/A">
    <failure message="a_test.cpp:9&#x0A;expected 1"/></testcase>
</testsuite></testsuites>"""


def entry(name, status, output="", inner=""):
    return (f'<testcase name="{name}" status="{status}">{inner}'
            f"<system-out>{output}</system-out></testcase>")


class Summary(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.results = pathlib.Path(folder.name)

    def outcomes(self, junit_entry, own=None, filtered=False):
        if own is not None:
            (self.results / "a_test.xml").write_text(own)
        return summary.program_outcomes(ElementTree.fromstring(junit_entry), self.results, filtered)

    def test_cases_are_counted_one_by_one(self):
        self.assertEqual(self.outcomes(entry("a_test", "fail"), GOOGLETEST),
                         [("passed", "A.Good", ""), ("skipped", "A.Skips", "no btrfs here"),
                          ("failed", "Each/A.Bad", "expected 1")])

    def test_a_failure_after_the_last_case_is_not_lost(self):
        own = GOOGLETEST.replace("failure", "properties")
        found = self.outcomes(entry("a_test", "fail", "SUMMARY: 4 byte(s) leaked"), own)
        self.assertIn(("failed", "a_test", "every case passed, then: SUMMARY: 4 byte(s) leaked"), found)

    def test_a_program_that_died_is_charged_to_the_case_it_died_in(self):
        output = "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n[ RUN      ] A.Two\n"
        self.assertEqual(self.outcomes(entry("a_test", "fail", output)),
                         [("passed", "A.One", ""), ("failed", "A.Two", "the program ended in this case")])

    def test_a_program_without_cases_fails_unless_filtered(self):
        empty = "<testsuites/>"
        self.assertEqual(self.outcomes(entry("a_test", "run"), empty)[0][0], "failed")
        self.assertEqual(self.outcomes(entry("a_test", "run"), empty, filtered=True), [])

    def test_scripts_pass_fail_skip_or_do_not_run(self):
        self.assertEqual(self.outcomes(entry("s", "run"))[0][0], "passed")
        self.assertEqual(self.outcomes(entry("s", "fail", "why\n")), [("failed", "s", "why")])
        self.assertEqual(self.outcomes(entry("s", "notrun", "no tool\n",
                                             '<skipped message="SKIP_RETURN_CODE=77"/>')),
                         [("skipped", "s", "no tool")])
        self.assertEqual(self.outcomes(entry("s", "notrun", "", '<skipped message="Unable to find it"/>')),
                         [("failed", "s", "Unable to find it")])

    def test_parameters_are_no_part_of_a_name(self):
        for name in ("A.Works", "Each/A.Works/0", "A/2.Works", "Each/A.Works/btrfs_loop"):
            self.assertEqual(summary.plain_name(name), "A.Works")

    def test_the_verdict_is_the_last_line_and_the_exit_code(self):
        extra = self.results / "extra.tsv"
        for lines, last, code in (("passed\tfuzz\tf\t\n", "1 passed, 0 failed", 0),
                                  ("passed\tfuzz\tf\t\nfailed\tfuzz\tg\twhy\n", "1 passed, 1 failed", 1),
                                  ("passed\tx\tf\t\nskipped\tx\tg\twhy\n", "1 passed, 0 failed, 1 skipped", 0),
                                  ("skipped\tx\tg\twhy\n", "0 passed, 0 failed, 1 skipped", 1),
                                  ("", "0 passed, 0 failed", 1)):
            extra.write_text(lines)
            printed = io.StringIO()
            arguments, sys.argv = sys.argv, ["summary.py", "--extra", os.fspath(extra)]
            try:
                with contextlib.redirect_stdout(printed):
                    self.assertEqual(summary.main(), code)
            finally:
                sys.argv = arguments
            self.assertEqual(printed.getvalue().splitlines()[-1], last)


if __name__ == "__main__":
    unittest.main()
