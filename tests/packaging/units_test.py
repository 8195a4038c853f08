#!/usr/bin/env python3
"""The units against the programs they start, and against systemd's own judgement of them.

usage: units_test.py BUILD_FOLDER CMAKE
"""
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from units import read_units

BUILD, CMAKE = pathlib.Path(sys.argv[1]), sys.argv[2]
# What `systemd-analyze security` may say at most, from 0 (nothing is exposed) to 100. The broker
# keeps what it is there for, and neither may see file systems of its own.
EXPOSURE_MAX = {"stillframed.service": 35, "stillframe-broker.service": 70}
# Of deduplicated volumes: a template of a service and of a timer each.
DEDUP_JOBS = {"optimize": ["optimize"], "gc": ["gc"], "gc-full": ["gc", "--full"], "scrub": ["scrub", "--deep"]}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          timeout=60, **options)


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.prefix = pathlib.Path(cls.work.name) / "prefix"
        for component in ("service", "command", "dedup"):
            done = run(CMAKE, "--install", BUILD, "--component", component, "--prefix", cls.prefix)
            if done.returncode != 0:
                raise RuntimeError(done.stdout + done.stderr)
        cls.folder = cls.prefix / "lib/systemd/system"
        cls.units = read_units(cls.folder)
        cls.daemon = cls.units["stillframed.service"]
        cls.broker = cls.units["stillframe-broker.service"]

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def sockets_of(self, service):
        return [unit for unit in self.units.values() if unit.path.suffix == ".socket" and
                unit.one("Socket", "Service", unit.path.stem + ".service") == service.name]

    def test_every_program_of_an_exec_line_is_installed_where_it_says(self):
        for unit in self.units.values():
            for key, _, words in unit.commands():
                program = pathlib.Path(words[0])
                if program != pathlib.Path("/bin/kill"):
                    self.assertEqual(self.prefix, program.parents[len(program.parts) -
                                                                  len(self.prefix.parts) - 1], unit.name)
                self.assertTrue(os.access(program, os.X_OK), f"{unit.name}: {key}={program}")

    def test_every_exec_line_is_one_that_its_program_understands(self):
        empty = pathlib.Path(self.work.name) / "empty"
        empty.mkdir(exist_ok=True)
        # How each program can be asked about a command line without carrying it out.
        harmless = {
            "stillframed": lambda words: [*words, "--config", self.configuration("stillframe.toml"),
                                          "--check-config"],
            "stillframe-broker": lambda words: [*words, "--config", self.configuration("broker.toml"),
                                                "--check-config"],
            "stillframe": lambda words: [*words, "--help"],
            # It looks for the volume when it has understood all else; 3: there is none.
            "dedupctl": lambda words: ["sh", "-c", '"$@"; [ $? -eq 3 ]', "sh", *words[:-1], "/nowhere"],
            # With a folder of records that has none.
            "stillframe-guard": lambda words: [*words[:2], empty, *words[3:]],
            "kill": lambda words: [words[0], "-l", words[1].removeprefix("-")],
        }
        for unit in self.units.values():
            for key, _, words in unit.commands():
                asked = harmless[pathlib.Path(words[0]).name](words)
                done = run(*asked)
                self.assertEqual(done.returncode, 0, f"{unit.name}: {key}: {asked}: {done.stderr}")

    def configuration(self, name):
        """As installed, in a folder that nobody else can write, which is asked of configurations."""
        made = pathlib.Path(self.work.name) / name
        if not made.exists():
            shutil.copyfile(next(self.prefix.glob(f"share/doc/*/examples/{name}")), made)
            made.chmod(0o600)
        return made

    def test_the_daemon_and_the_broker_know_every_socket_by_its_name(self):
        for service, known in ((self.daemon, {"writer.sock", "requestor.sock", "status.sock"}),
                               (self.broker, {"broker"})):
            names = {socket.one("Socket", "FileDescriptorName") for socket in self.sockets_of(service)}
            self.assertEqual(names, known)
            said = self.refusal_of_a_socket(service)
            for name in names:
                self.assertIn(name, said)

    def refusal_of_a_socket(self, service):
        """What the program says to a socket of an unknown name: the names that it knows."""
        program = next(words for key, _, words in service.commands() if key == "ExecStart")[0]
        base = tempfile.mkdtemp(dir=self.work.name)
        config = pathlib.Path(base) / "config.toml"
        if service is self.daemon:
            config.write_text("[providers]\nbuiltin = false\n")
            more = ["--state-dir", f"{base}/state", "--runtime-dir", f"{base}/run"]
        else:
            config.write_text(f"state_dir = '{base}/state'\nruntime_dir = '{base}/run'\n")
            user = pwd.getpwuid(os.geteuid()).pw_name
            more = ["--socket", f"{base}/broker.sock", "--daemon-user", user]
        config.chmod(0o600)
        start = ("exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=unheard-of; "
                 'exec "$@"')
        done = run("sh", "-c", start, "sh", program, "--config", config, *more)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("unheard-of", done.stderr)
        return done.stderr.split("unheard-of", 1)[1]

    def test_clients_look_for_the_sockets_where_they_listen(self):
        # Nobody answers there, unless this machine runs the service.
        asked = run(self.prefix / "bin/stillframe", "--timeout", "0.1", "status",
                    env={name: value for name, value in os.environ.items() if name != "STILLFRAME_SOCKET_DIR"})
        for socket in self.sockets_of(self.daemon):
            folder, name = os.path.split(socket.one("Socket", "ListenStream"))
            self.assertEqual(name, socket.one("Socket", "FileDescriptorName"))
            self.assertTrue(asked.returncode == 0 or folder + "/" in asked.stderr, asked.stderr)
        [broker] = self.sockets_of(self.broker)
        listens = broker.one("Socket", "ListenStream")
        self.assertIn(listens, run(self.prefix / "sbin/stillframe-broker", "--help").stdout)
        self.assertIn(f'broker = "{listens}"', self.configuration("stillframe.toml").read_text())

    def test_only_the_daemons_user_reaches_the_broker(self):
        [broker] = self.sockets_of(self.broker)
        self.assertEqual(broker.one("Socket", "SocketMode"), "0600")
        self.assertEqual(broker.one("Socket", "SocketUser"), self.daemon.one("Service", "User"))
        self.assertEqual(self.broker.one("Service", "User"), "")
        users = (self.prefix / "lib/sysusers.d/stillframe.conf").read_text().split()
        self.assertEqual(users[:2], ["u", self.daemon.one("Service", "User")])

    def test_root_is_led_to_nothing_that_the_daemons_user_can_write(self):
        own = ["/run/" + word for word in self.daemon.words("Service", "RuntimeDirectory")]
        own += ["/var/lib/" + word for word in self.daemon.words("Service", "StateDirectory")]
        self.assertEqual(len(own), 2)
        as_root = [words for _, prefix, words in self.daemon.commands() if "+" in prefix]
        as_root += [words for _, _, words in self.broker.commands()]
        self.assertEqual(len(as_root), 3)
        for words in as_root:
            for word in words[1:]:
                self.assertFalse(any(word == path or word.startswith(path + "/") for path in own), words)

    def test_whoever_ends_is_followed_by_a_thaw(self):
        for unit in (self.daemon, self.broker):
            last = [words for key, _, words in unit.commands() if key == "ExecStopPost"]
            self.assertEqual([words[1:] for words in last], [["thaw", "/run/stillframe-broker/held"]])
            self.assertEqual(unit.one("Service", "KillMode"), "mixed", "guards outlive the stop")

    def test_limits_leave_time_for_a_hold(self):
        for unit in (self.daemon, self.broker):
            self.assertGreater(seconds(unit.one("Service", "TimeoutStopSec")), 65, unit.name)
        self.assertGreaterEqual(seconds(self.daemon.one("Service", "WatchdogSec")), 10)
        self.assertEqual(self.broker.all("Service", "WatchdogSec"), [])

    def test_both_see_the_machines_file_systems(self):
        private = re.compile(r"Protect(System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|"
                             r"Proc|Hostname)|Private(Tmp|Devices|Mounts)|ReadOnlyPaths|InaccessiblePaths|"
                             r"BindPaths|TemporaryFileSystem|RootDirectory|DynamicUser|MountFlags|ProcSubset")
        for unit in (self.daemon, self.broker):
            self.assertEqual([key for _, key in unit.values if private.fullmatch(key)], [], unit.name)

    def test_every_job_of_deduplicated_volumes_has_its_timer(self):
        for job, words in DEDUP_JOBS.items():
            service = self.units[f"stillframe-dedup-{job}@.service"]
            [(_, _, command)] = service.commands()
            self.assertEqual(command[1:-3], words)
            self.assertEqual([command[-3], command[-1]], ["--wait", "%f"], "another job is waited for")
            self.assertEqual(service.one("Service", "KillSignal"), "SIGINT", "a job ends in an orderly way")
            timer = self.units[f"stillframe-dedup-{job}@.timer"]
            self.assertEqual(timer.one("Timer", "Unit"), "", "the service of the same name")
            self.assertEqual(timer.one("Timer", "Persistent"), "yes", "for machines that are off at night")
            self.assertEqual(timer.words("Install", "WantedBy"), ["timers.target"])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze (Debian: systemd) is not installed")
    def test_every_saturday_has_one_collection(self):
        regular, full = (self.days_of(f"stillframe-dedup-{job}@.timer", 60) for job in ("gc", "gc-full"))
        self.assertEqual(regular & full, set())
        self.assertEqual(len(full), 12)
        self.assertEqual(regular | full, self.days_of("stillframe-dedup-scrub@.timer", 60))
        self.assertEqual(self.units["stillframe-dedup-optimize@.timer"].one("Timer", "OnCalendar"), "hourly")

    def days_of(self, timer, most):
        """On which days of 2026 it elapses."""
        calendar = self.units[timer].one("Timer", "OnCalendar")
        done = run("systemd-analyze", "calendar", f"--iterations={most}", "--base-time=2025-12-31 23:59:59 UTC",
                   calendar, env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return set(re.findall(r"\w{3} (2026-\d\d-\d\d) ", done.stdout))

    def test_manual_pages_are_there(self):
        for unit in self.units.values():
            for page, section in re.findall(r"man:([\w.-]+)\((\d)\)", unit.one("Unit", "Documentation")):
                path = self.prefix / f"share/man/man{section}/{page}.{section}"
                self.assertTrue(path.is_file(), f"{unit.name}: {path}")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze (Debian: systemd) is not installed")
    def test_systemd_finds_no_fault(self):
        done = run("systemd-analyze", "verify", "--man=no", *[unit.path for unit in self.units.values()])
        # Of this machine's own units it may think what it likes.
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "stillframe" in line]
        self.assertEqual(ours, [])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze (Debian: systemd) is not installed")
    def test_systemd_calls_them_confined(self):
        for name, most in EXPOSURE_MAX.items():
            done = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                       f"--threshold={most}", self.folder / name)
            if "unrecognized option" in done.stderr:
                self.skipTest("this systemd-analyze does not judge files")
            verdict = re.search(r"exposure level.*", done.stdout)
            self.assertTrue(verdict, done.stdout + done.stderr)
            print(f"{name}: {verdict[0]}")
            self.assertEqual(done.returncode, 0, done.stdout)


def seconds(text):
    [number] = re.fullmatch(r"(\d+)s", text).groups()
    return int(number)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
