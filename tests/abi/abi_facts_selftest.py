#!/usr/bin/env python3
"""That abi_facts.py tells what breaks from what is new: abi_facts_selftest.py SOURCE_FOLDER"""
import pathlib
import shutil
import sys
import tempfile
import unittest

import abi_facts

SOURCE = pathlib.Path(sys.argv[1])


class Judgement(unittest.TestCase):
    def judge(self, header="plugin.h", old="", new=""):
        """Of today's headers and the same with a change."""
        with tempfile.TemporaryDirectory() as folder:
            include = pathlib.Path(folder)
            shutil.copytree(SOURCE / "framework/include/stillframe", include / "stillframe")
            before = abi_facts.facts_of(include, [])
            path = include / "stillframe" / header
            text = path.read_text()
            self.assertIn(old, text)
            # The headers assert sizes by themselves; what is judged here is who forgot to look.
            path.write_text(text.replace(old, new, 1))
            abi = include / "stillframe/abi.h"
            abi.write_text(abi.read_text().replace("(sizeof(type) == (bytes),", "(sizeof(type) > 0,"))
            return abi_facts.judge(before, abi_facts.facts_of(include, []))

    def test_nothing_changed(self):
        self.assertEqual(self.judge(), ([], []))

    def test_a_number_that_means_something_else_breaks(self):
        broken, _ = self.judge("abi.h", "STILLFRAME_CORRUPT = 10", "STILLFRAME_CORRUPT = 9")
        self.assertEqual(broken, ["was: enumerator STILLFRAME_CORRUPT 10; is: enumerator STILLFRAME_CORRUPT 9"])

    def test_a_member_in_the_middle_breaks_all_behind_it(self):
        broken, new = self.judge(old="  int32_t (*freeze)(", new="  int32_t early;\n  int32_t (*freeze)(")
        self.assertTrue(any("stillframe_writer.thaw" in fact for fact in broken), broken)
        self.assertTrue(any("stillframe_writer.early" in fact for fact in new), new)

    def test_a_member_at_the_end_of_a_table_is_new(self):
        broken, new = self.judge(old="} stillframe_writer;", new="  void (*late)(void* self);\n} stillframe_writer;")
        self.assertEqual(broken, [])
        self.assertEqual(len(new), 2, new)

    def test_a_struct_without_a_size_of_its_own_may_not_grow(self):
        broken, _ = self.judge(old="} stillframe_hold;", new="  int64_t late;\n} stillframe_hold;")
        self.assertTrue(any("size stillframe_hold" in fact for fact in broken), broken)

    def test_another_parameter_breaks_and_another_name_of_one_does_not(self):
        call = "int32_t stillframe_connect(const char* socket, "
        broken, _ = self.judge("requestor.h", call, call + "int32_t flags, ")
        self.assertEqual(len(broken), 1)
        self.assertEqual(self.judge("requestor.h", call, call.replace("socket", "place")), ([], []))

    def test_a_function_that_is_gone_breaks(self):
        broken, _ = self.judge("requestor.h", "void stillframe_text_free(char* text);", "")
        self.assertEqual(broken, ["gone: function stillframe_text_free void(char*)"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
