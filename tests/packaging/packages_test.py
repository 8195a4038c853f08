#!/usr/bin/env python3
"""Builds the Debian packages from a built tree, installs them in a scratch root, runs the service from
there as its units say, upgrades, purges, and looks at what is left.

usage: packages_test.py BUILD_FOLDER CPACK
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from scratch_root import CannotRun, ScratchRoot, Service
from units import read_units

BUILD, CPACK = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
PACKAGES = {"stillframe", "libstillframe0", "libstillframe-dev", "stillframe-ese",
            "libstillframe-ese-writer0", "stillframe-dedup"}
WORK = ROOT = None  # a folder for what is made, and the scratch root
FIELDS = ("Version", "Architecture", "Maintainer", "Section", "Installed-Size", "Description")
# What any package leaves behind, and what these keep on purpose: the user and logs.
LEFT_BY_PURGE = re.compile(r"var/lib/dpkg(/.*)?|var/log(/.*)?|var/cache/.*|etc/ld\.so\.cache|"
                           r"etc/(passwd|group|shadow|gshadow)-?|etc/\.pwd\.lock|"
                           r"var/lib/systemd/deb-systemd-helper.*|var/lib/man-db/auto-update")


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Packages(unittest.TestCase):
    """In the order of their names: each step stands on those before it."""

    @classmethod
    def setUpClass(cls):
        cls.work = WORK
        run(CPACK, "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", cls.work / "built")
        cls.files = {}
        for file in (cls.work / "built").glob("*.deb"):
            cls.files[run("dpkg-deb", "--field", file, "Package").strip()] = file
        cls.root = ROOT
        (cls.root.path / "tmp/packages").mkdir()
        for file in cls.files.values():
            shutil.copy(file, cls.root.path / "tmp/packages")
        # The index of this machine's manual takes longer to renew than everything else here.
        (cls.root.path / "var/lib/man-db/auto-update").unlink(missing_ok=True)

    def setUp(self):
        self.began = time.monotonic()

    def tearDown(self):
        print(f"{time.monotonic() - self.began:.1f} s ", end="", file=sys.stderr)

    def field(self, package, name):
        return run("dpkg-deb", "--field", self.files[package], name).strip()

    def ok(self, *command, **options):
        done = self.root.run(*command, **options)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_1_each_says_what_it_is_and_needs(self):
        self.assertEqual(set(self.files), PACKAGES)
        for package in PACKAGES:
            for name in FIELDS:
                self.assertTrue(self.field(package, name), f"{package}: {name}")
        for package in PACKAGES - {"libstillframe-dev"}:
            self.assertIn("libc6 (>=", self.field(package, "Depends"), package)
        self.assertIn("libsqlite3", self.field("stillframe", "Depends"))
        self.assertNotIn("libstillframe", self.field("stillframe-ese", "Depends"))
        self.assertIn(f"libstillframe0 (= {self.field('libstillframe0', 'Version')})",
                      self.field("libstillframe-dev", "Depends"))
        listed = run("dpkg-deb", "--info", self.files["stillframe"], "conffiles").split()
        self.assertEqual(listed, ["/etc/stillframe/broker.toml", "/etc/stillframe/stillframe.toml"])

    def test_2_each_has_its_own_and_nothing_of_the_build(self):
        owners = {}
        for package, file in self.files.items():
            tree = self.work / "unpacked" / package
            tree.mkdir(parents=True)
            run("dpkg-deb", "--extract", file, tree)
            for path in tree.rglob("*"):
                if path.is_dir() and not path.is_symlink():
                    self.assertEqual(path.stat().st_mode & 0o7777, 0o755, path)
                    continue
                inside = str(path.relative_to(tree))
                self.assertNotIn(inside, owners, "in two packages")
                owners[inside] = package
                if path.is_symlink():
                    continue
                data = path.read_bytes()
                self.assertNotIn(os.fsencode(BUILD.parent.parent) + b"/", data, path)
                if data.startswith(b"\x7fELF"):
                    dynamic = run("readelf", "--dynamic", "--wide", path)
                    self.assertNotRegex(dynamic, r"R(UN)?PATH", path)
                    self.assertNotIn("not stripped", run("readelf", "--sections", "--wide", path))
            self.assertIn(f"usr/share/doc/{package}/copyright", owners)
        for file, package in {"usr/sbin/stillframed": "stillframe", "usr/bin/stillframe": "stillframe",
                              "usr/sbin/stillframe-broker": "stillframe",
                              "usr/libexec/stillframe/stillframe-guard": "stillframe",
                              "usr/share/man/man8/stillframed.8": "stillframe",
                              "usr/share/man/man1/stillframe.1": "stillframe",
                              "usr/share/bash-completion/completions/stillframe": "stillframe",
                              "usr/lib/libstillframe.so.0": "libstillframe0",
                              "usr/lib/libstillframe-requestor.so.0": "libstillframe0",
                              "usr/lib/libstillframe.so": "libstillframe-dev",
                              "usr/include/stillframe/plugin.h": "libstillframe-dev",
                              "usr/lib/pkgconfig/stillframe.pc": "libstillframe-dev",
                              "usr/bin/esectl": "stillframe-ese",
                              "usr/lib/libstillframe-ese-writer.so.0": "libstillframe-ese-writer0",
                              "usr/lib/stillframe/stillframe-writer-ese.so": "stillframe-ese",
                              "usr/lib/systemd/system/stillframe-dedup-gc@.timer": "stillframe-dedup",
                              "usr/lib/stillframe/stillframe-writer-dedup.so": "stillframe-dedup",
                              "usr/sbin/dedupctl": "stillframe-dedup"}.items():
            self.assertEqual(owners.get(file), package, file)

    def test_3_they_install_and_their_configuration_is_valid(self):
        self.ok("dpkg", "--force-unsafe-io", "--install", *(f"/tmp/packages/{file.name}" for file in self.files.values()))
        for program in ("stillframed", "stillframe-broker"):
            self.ok(program, "--check-config")
        about = self.ok("stat", "-c", "%U %a", "/var/lib/stillframe", "/run/stillframe",
                        "/run/stillframe-broker").splitlines()
        self.assertEqual(about, ["stillframe 700", "stillframe 755", "root 755"])
        self.ok("esectl", "--help")
        self.ok("dedupctl", "--help")
        self.assertIn("stillframe", self.ok("pkg-config", "--libs", "stillframe-requestor"))

    def test_4_the_service_works_as_its_units_say(self):
        units = read_units(self.root.path / "usr/lib/systemd/system")
        units = {name: unit for name, unit in units.items() if name.startswith("stillframe")}
        broker = Service(self.root, units["stillframe-broker.service"], [units["stillframe-broker.socket"]])
        daemon = Service(self.root, units["stillframed.service"],
                         [units[f"stillframed-{name}.socket"] for name in ("writer", "requestor", "status")])
        broker.start()
        daemon.start()
        self.assertIn('"writers"', self.ok("stillframe", "--json", "writers"))
        # Their hosts are processes that the broker starts.
        providers = self.ok("stillframe", "--json", "providers")
        for name in ("btrfs", "image", "reflink", "copy"):
            self.assertRegex(providers, rf'"name": *"{name}"')
        self.assertRegex(self.ok("stillframe", "--json", "status"), rf'"pid": *{daemon.pid}\b')
        refused = self.root.run("stillframe", "writers", as_nobody=True)
        self.assertEqual(refused.returncode, 4, refused.stderr)
        allow = self.root.path / "etc/stillframe/conf.d/look.toml"
        allow.parent.mkdir(exist_ok=True)
        allow.write_text('[[allow]]\nusers = ["nobody"]\nrights = ["look"]\n')
        [reload] = [words for key, _, words in daemon.unit.commands() if key == "ExecReload"]
        self.ok(*(str(daemon.pid) if word == "$MAINPID" else word for word in reload))
        for _ in range(500):
            if self.root.run("stillframe", "writers", as_nobody=True).returncode == 0:
                break
        self.ok("stillframe", "writers", as_nobody=True)
        allow.unlink()
        for service in (daemon, broker):
            service.signal(signal.SIGTERM)
            self.assertEqual(service.wait(), 0, service.said())
            for key, _, words in service.unit.commands():
                if key == "ExecStopPost":
                    self.ok(*words)

    def test_5_an_upgrade_keeps_what_was_configured(self):
        config = self.root.path / "etc/stillframe/stillframe.toml"
        config.write_text(config.read_text() + "\n[limits]\nlease_ms = 4000\n")
        self.ok("dpkg", "--force-unsafe-io,confold", "--install",
                *(f"/tmp/packages/{file.name}" for file in self.files.values()))
        self.assertIn("lease_ms = 4000", config.read_text())
        self.ok("stillframed", "--check-config")

    def test_6_purging_leaves_nothing_but_logs(self):
        self.ok("dpkg", "--remove", *PACKAGES)
        self.assertTrue((self.root.path / "etc/stillframe/stillframe.toml").exists(), "removed, not purged")
        self.assertTrue(any((self.root.path / "var/lib/stillframe").iterdir()), "the journal")
        self.ok("dpkg", "--purge", *PACKAGES)
        added, gone = self.root.changes()
        self.assertEqual([path for path in added if not LEFT_BY_PURGE.fullmatch(path)], [])
        self.assertEqual([path for path in gone if not LEFT_BY_PURGE.fullmatch(path)], [])
        left = [path.name for path in (self.root.path / "run").iterdir() if not path.name.endswith(".notify")]
        self.assertEqual([name for name in left if "stillframe" in name], [])


def main():
    if os.geteuid() != 0:
        print("packages_test: installing packages needs root")
        return 77
    for tool in ("dpkg-deb", "dpkg-shlibdeps", "setpriv", "unshare", "readelf"):
        if not shutil.which(tool):
            print(f"packages_test: there is no {tool} (Debian: dpkg, dpkg-dev, util-linux, binutils)")
            return 77
    if "--inside" not in sys.argv:
        return in_own_namespaces()
    global WORK, ROOT
    WORK = pathlib.Path(sys.argv[4])
    try:
        ROOT = ScratchRoot(sys.argv[5])
    except CannotRun as reason:
        print(f"packages_test: {reason}")
        return 77
    done = unittest.TextTestRunner(verbosity=2, failfast=True).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(Packages))
    return 0 if done.wasSuccessful() else 1


def in_own_namespaces():
    """Mounts and processes end with the namespaces; what is removed afterwards has no mount in it."""
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    able = subprocess.run([*alone, "true"], capture_output=True, text=True, check=False)
    if able.returncode != 0:
        print(f"packages_test: no namespace of its own: {able.stderr.strip()}")
        return 77
    scratch = tempfile.mkdtemp()
    try:
        with tempfile.TemporaryDirectory() as work:
            return subprocess.run([*alone, sys.executable, *sys.argv[:3], "--inside", work, scratch],
                                  check=False).returncode
    finally:
        os.rmdir(scratch)


if __name__ == "__main__":
    sys.exit(main())
