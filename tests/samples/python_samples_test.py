#!/usr/bin/env python3
"""The Python writer and requestor against the daemon: python_samples_test.py STILLFRAMED HELPERS SAMPLES"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

LINES_MAX = 150
PATIENCE = 60


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.02)


class PythonSamples(unittest.TestCase):
    daemon = helpers = samples = None

    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="sfpy."))
        self.addCleanup(shutil.rmtree, self.base, True)
        for folder in ("state", "run", "data", "target"):
            (self.base / folder).mkdir()
        (self.base / "stillframe.toml").write_text(
            f'[daemon]\nstate_dir = "{self.base}/state"\nruntime_dir = "{self.base}/run"\n'
            f'helper_dir = "{self.helpers}"\n', encoding="ascii")
        self.start(self.daemon, "--config", self.base / "stillframe.toml")
        wait_for((self.base / "run/requestor.sock").exists, "the daemon's socket")
        self.start(sys.executable, self.samples / "writer.py", self.base / "run/writer.sock",
                   self.base / "data")

    def start(self, *command):
        with open(self.base / (pathlib.Path(command[-1]).name + ".log"), "wb") as log:
            process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log,
                                       env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def ticks(self):
        log = self.base / "data/ticks.log"
        return log.read_text(encoding="ascii").splitlines() if log.exists() else []

    def back_up(self):
        return subprocess.run(
            [sys.executable, str(self.samples / "requestor.py"), str(self.base / "run/requestor.sock"),
             str(self.base / "target")], capture_output=True, text=True, check=False,
            timeout=PATIENCE, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))

    def test_a_whole_backup_of_a_file_that_is_being_written(self):
        wait_for(lambda: (self.base / "data.log").read_text().startswith("registered"), "the writer")
        wait_for(lambda: len(self.ticks()) > 10, "the application's first lines")
        done = self.back_up()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout),
                         {"files": 1, "label": "application-consistent", "outcome": "completed"})
        copied = (self.base / "target" / str(self.base / "data/ticks.log").lstrip("/")).read_text()
        self.assertTrue(copied.endswith("\n"), "no line was cut in two")
        copied = copied.splitlines()
        live = self.ticks()
        self.assertEqual(copied, live[:len(copied)], "what was copied is what was there")
        wait_for(lambda: len(self.ticks()) > len(live) + 5, "the application writes on")

    def test_what_is_refused_says_why(self):
        wait_for(lambda: (self.base / "data.log").read_text().startswith("registered"), "the writer")
        sys.path.insert(0, str(self.samples))
        sys.dont_write_bytecode = True
        import requestor  # pylint: disable=import-outside-toplevel
        import wire  # pylint: disable=import-outside-toplevel
        coordinator = requestor.Coordinator(str(self.base / "run/requestor.sock"))
        with self.assertRaisesRegex(wire.Refused, "no method"):
            coordinator.call("backup.guess")
        session = coordinator.call("backup.begin", options={"type": "copy"})["session"]
        with self.assertRaises(wire.Refused):
            coordinator.call("backup.snapshot", session=session, options={"attributes": {}})

    def test_each_fits_what_it_promises(self):
        for sample in self.samples.glob("*.py"):
            self.assertLessEqual(len(sample.read_text().splitlines()), LINES_MAX, sample)


if __name__ == "__main__":
    PythonSamples.daemon, PythonSamples.helpers = sys.argv[1], sys.argv[2]
    PythonSamples.samples = pathlib.Path(sys.argv[3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
