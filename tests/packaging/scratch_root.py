"""A root of one's own: this machine's, with every change going to memory. Needs root and a mount
namespace that is this process's alone, so that nothing has to be unmounted."""
import os
import pathlib
import socket
import stat
import subprocess
import time


class CannotRun(Exception):
    """The machine lacks what the test needs; it is no finding."""


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRun(f"cannot mount {arguments[-1]}: {done.stderr.strip()}")


class ScratchRoot:
    def __init__(self, base):
        base = pathlib.Path(base)
        mount("-t", "tmpfs", "-o", "mode=0755", "scratch", base)
        self.upper, self.path = base / "upper", base / "root"
        for folder in (self.upper, base / "work", self.path):
            folder.mkdir()
        mount("-t", "overlay", "scratch", "-o",
              f"lowerdir=/,upperdir={self.upper},workdir={base / 'work'}", self.path)
        if not (self.path / "usr/bin/dpkg").exists():
            raise CannotRun("/usr is a file system of its own, which an overlay of / does not show")
        mount("-t", "tmpfs", "-o", "mode=0755", "run", self.path / "run")
        mount("-t", "tmpfs", "-o", "mode=1777", "tmp", self.path / "tmp")
        mount("-t", "proc", "proc", self.path / "proc")
        # Not this machine's: what is removed in here must never be a device of it.
        mount("-t", "tmpfs", "-o", "mode=0755", "dev", self.path / "dev")
        for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
            node = self.path / "dev" / name
            try:
                os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            except OSError as error:
                raise CannotRun(f"cannot make devices: {error}") from error
            node.chmod(0o666)

    def run(self, *command, as_nobody=False):
        words = ["chroot", self.path]
        if as_nobody:
            words += ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        return subprocess.run([*map(str, words), *map(str, command)], capture_output=True, text=True,
                              check=False, timeout=120, stdin=subprocess.DEVNULL,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                                   "DEBIAN_FRONTEND": "noninteractive"})

    def changes(self):
        """What is there and was not, and what is gone, relative to the root."""
        added, gone = [], []
        for folder, folders, files in os.walk(self.upper):
            for name in folders + files:
                path = pathlib.Path(folder) / name
                inside = path.relative_to(self.upper)
                about = path.lstat()
                if stat.S_ISCHR(about.st_mode) and about.st_rdev == 0:
                    gone.append(str(inside))
                elif not stat.S_ISDIR(about.st_mode) or not os.path.lexists("/" / inside):
                    added.append(str(inside))
        return sorted(added), sorted(gone)


class Service:
    """Starts what a unit of the scratch root says, as a service manager would: sockets, user,
    environment, capabilities, folders."""

    def __init__(self, root, unit, sockets):
        self.root, self.unit, self.sockets = root, unit, sockets
        self.user = unit.one("Service", "User") or "root"
        self.pid, self.log = None, root.path / f"tmp/{unit.name}.log"

    def start(self):
        for kind, parent in (("RuntimeDirectory", "run"), ("StateDirectory", "var/lib"),
                             ("LogsDirectory", "var/log")):
            for name in self.unit.words("Service", kind):
                done = self.root.run("install", "-d", "-o", self.user, "-g", self.user, "-m",
                                     self.unit.one("Service", kind + "Mode", "0755"), f"/{parent}/{name}")
                assert done.returncode == 0, done.stderr
        given = [self.listen(unit) for unit in self.sockets]
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(self.root.path / f"run/{self.unit.name}.notify"))
        os.chmod(self.root.path / f"run/{self.unit.name}.notify", 0o666)
        # Out of the way of each other first.
        given = [(name, os.dup2(sock.detach(), 100 + i, inheritable=False))
                 for i, (name, sock) in enumerate(given)]
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        actions = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, 3 + i) for i, (_, fd) in enumerate(given)]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                       "NOTIFY_SOCKET": f"/run/{self.unit.name}.notify",
                       "LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": ":".join(name for name, _ in given),
                       **self.unit.environment()}
        self.pid = os.posix_spawn("/usr/sbin/chroot", self.command(), environment, file_actions=actions)
        for fd in [log, *(fd for _, fd in given)]:
            os.close(fd)
        notify.settimeout(60)
        while True:
            try:
                heard = notify.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"{self.unit.name} is not ready after 60 s: "
                                     f"{pathlib.Path(self.log).read_text()}") from None
            if "READY=1" in heard:
                break
        notify.close()

    def listen(self, unit):
        path = unit.one("Socket", "ListenStream")
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.bind(str(self.root.path) + path)
        made.listen(16)
        owner = unit.one("Socket", "SocketUser")
        done = self.root.run("chown", f"{owner}:", path)
        assert done.returncode == 0, done.stderr
        os.chmod(str(self.root.path) + path, int(unit.one("Socket", "SocketMode"), 8))
        return unit.one("Socket", "FileDescriptorName"), made

    def command(self):
        [start] = [words for key, _, words in self.unit.commands() if key == "ExecStart"]
        kept = "".join(f",+{word.removeprefix('CAP_').lower()}"
                       for word in self.unit.words("Service", "CapabilityBoundingSet"))
        words = ["chroot", str(self.root.path), "setpriv", f"--reuid={self.user}", f"--regid={self.user}",
                 "--init-groups", "--inh-caps=-all", f"--bounding-set=-all{kept}", "--no-new-privs"]
        return [*words, "sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh", *start]

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        """Its exit status."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        raise TimeoutError(f"{self.unit.name} does not end: {self.said()}")

    def said(self):
        return self.log.read_text(errors="replace")
