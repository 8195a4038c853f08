#!/usr/bin/env python3
"""Programs that were written and compiled against earlier C headers, with today's libraries and daemon.

usage: old_programs_test.py STILLFRAMED HELPERS LIBRARIES VERSION PLUGIN REQUESTOR
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

DAEMON, HELPERS, LIBRARIES, VERSION, PLUGIN, REQUESTOR = sys.argv[1:]
PATIENCE = 60


class OldPrograms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sfabi.")
        self.addCleanup(folder.cleanup)
        self.base = pathlib.Path(folder.name)
        (self.base / "notes").mkdir()
        (self.base / "notes/first").write_text("a note\n")
        config = self.base / "stillframe.toml"
        config.write_text(f'[daemon]\nstate_dir = "{self.base}/state"\nruntime_dir = "{self.base}/run"\n'
                          f'helper_dir = "{HELPERS}"\n[[plugin]]\nname = "notes"\nfile = "{PLUGIN}"\n'
                          f'makes = "writer"\nconfig = {{ directory = "{self.base}/notes" }}\n')
        config.chmod(0o600)
        self.log = open(self.base / "log", "wb")
        self.addCleanup(self.log.close)
        daemon = subprocess.Popen([DAEMON, "--config", config], stderr=self.log)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end,
                            f"{what}: not within {PATIENCE} s; {(self.base / 'log').read_text()}")
            time.sleep(0.02)

    def test_an_old_requestor_backs_up_an_old_plug_in(self):
        self.wait_for(lambda: '"Notes' in (self.base / "log").read_text(), "the plug-in's writer")
        done = subprocess.run([REQUESTOR, self.base / "run/requestor.sock"], capture_output=True, text=True,
                              check=False, timeout=PATIENCE,
                              env=dict(os.environ, LD_LIBRARY_PATH=LIBRARIES))
        self.assertEqual(done.returncode, 0, done.stderr + (self.base / "log").read_text())
        evidence = json.loads(done.stdout)
        self.assertEqual([component["name"] for component in evidence["components"]], ["notes"])
        self.assertEqual(evidence["label"], "application-consistent", evidence)
        print(f"programs of version {VERSION}: {evidence['label']}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
