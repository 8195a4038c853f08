#!/usr/bin/env python3
"""The C++ SDK of an earlier commit, built from the history, with today's daemon.

usage: old_sdk_test.py SOURCE BUILD [COMMIT...]

SOURCE is a checkout with its history, BUILD the build folder of today's programs. Without a COMMIT the
last one is taken that changed public headers, the wire or the transport. Of each, the journal sample and
the command line are built, which takes minutes, and every pair of an old and a new one backs up the
journal with the new daemon.

Exits with 77, its reason as the last line, where the checkout has no history.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

WHAT_PEERS_SEE = ["framework/include", "framework/wire", "framework/transport"]
PATIENCE = 60


def run(command, **options):
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def last_change(source):
    return run(["git", "-C", source, "log", "-1", "--format=%h", "--", *WHAT_PEERS_SEE]).strip()


def build(source, commit, folder):
    """The folder of the programs that the commit builds."""
    tree = folder / "tree"
    run(["git", "-C", source, "worktree", "add", "--detach", tree, commit])
    try:
        made = folder / "build"
        run(["cmake", "--preset", "release", "-B", made], cwd=tree)
        run(["cmake", "--build", made, "-j", str(os.cpu_count()), "--target", "journal_app",
             "stillframe_command"])
        programs = {path.name: path for path in made.rglob("*") if path.name in ("journal_app", "stillframe")
                    and path.is_file() and os.access(path, os.X_OK)}
        return {"journal_app": programs["journal_app"], "stillframe": programs["stillframe"]}
    finally:
        run(["git", "-C", source, "worktree", "remove", "--force", tree])


class Service:
    """Today's daemon with a writer of some SDK."""

    def __init__(self, folder, daemon, writer):
        self.sockets = folder / "run"
        folder.mkdir()
        (folder / "journal").mkdir()
        config = folder / "stillframe.toml"
        config.write_text(f'[daemon]\nstate_dir = "{folder}/state"\nruntime_dir = "{self.sockets}"\n'
                          f'helper_dir = "{daemon.parent}"\n')
        config.chmod(0o600)
        self.environment = dict(os.environ, STILLFRAME_SOCKET_DIR=str(self.sockets))
        self.log_path = folder / "log"
        self.log = open(self.log_path, "wb")
        self.daemon = subprocess.Popen([daemon, "--config", config], stderr=self.log)
        self.writer = subprocess.Popen([writer, folder / "journal"], stdin=subprocess.PIPE, text=True,
                                       stdout=subprocess.DEVNULL, env=self.environment)
        self.writer.stdin.write("put an entry\n")
        self.writer.stdin.flush()

    def command(self, program, *words):
        return subprocess.run([program, "--json", *words], capture_output=True, text=True, check=False,
                              timeout=PATIENCE, env=self.environment)

    def wait_for_writer(self, program):
        end = time.monotonic() + PATIENCE
        while "journal" not in self.command(program, "writers").stdout:
            if time.monotonic() > end:
                raise SystemExit(f"the writer did not register within {PATIENCE} s; it "
                                 f"{'runs' if self.writer.poll() is None else 'has ended'}; the daemon said:\n"
                                 + self.log_path.read_text())
            time.sleep(0.1)

    def stop(self):
        self.writer.stdin.close()
        self.writer.wait(PATIENCE)
        self.daemon.terminate()
        self.daemon.wait(PATIENCE)
        self.log.close()


def back_up(folder, daemon, writer, requestor):
    service = Service(folder, daemon, writer)
    try:
        service.wait_for_writer(requestor)
        done = service.command(requestor, "backup", str(folder / "store"))
        if done.returncode != 0:
            raise SystemExit(f"the backup ended with {done.returncode}: {done.stdout}{done.stderr}")
        listed = service.command(requestor, "show", str(folder / "store"))
        if listed.returncode != 0 or not json.loads(listed.stdout):
            raise SystemExit(f"no set in the store: {listed.stdout}{listed.stderr}")
    finally:
        service.stop()


def main(source, build_folder, commits):
    if subprocess.run(["git", "-C", source, "rev-parse", "HEAD~1"], capture_output=True,
                      check=False).returncode != 0:
        print("the checkout has no history to build an earlier SDK from")
        return 77
    build_folder = pathlib.Path(build_folder).resolve()
    programs = build_folder / "bin"
    new = {"journal_app": next(build_folder.rglob("journal_app")),
           "stillframe": programs / "stillframe"}
    for commit in commits or [last_change(source)]:
        with tempfile.TemporaryDirectory(prefix="sfold.") as name:
            folder = pathlib.Path(name)
            old = build(source, commit, folder)
            for writer, requestor in [(old, new), (new, old), (old, old)]:
                pair = f"{'old' if writer is old else 'new'} writer, " \
                       f"{'old' if requestor is old else 'new'} requestor"
                back_up(folder / pair.replace(" ", "-"), programs / "stillframed",
                        writer["journal_app"], requestor["stillframe"])
                print(f"{commit}: {pair}: backed up", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
