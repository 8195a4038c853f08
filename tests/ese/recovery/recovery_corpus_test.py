"""esectl recover on the corpus of genuine Windows files.

The corpus is not part of the repository: it is found through STILLFRAME_CORPUS or beside the
checkout. Dirty databases with their logs must become whole; databases with all of their logs are
made anew from these alone and compared with the file; an earlier copy is rolled forward to a later
one; what does not belong together must be refused. Prints counts, nothing of the contents.
"""
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ARCHIVE = "ese-windows.tar.zst"
SKIP = 77
DIRTY = {"A01": "storage.ide", "A03": "SRUDB.dat", "A05": "storage.ide"}
REBUILT = ("B43 B44 B45 B46 B47 B48 B66 B67 B68 B81 B82 B83 B84 B85 B86 B87 B88 B89 B90 B91 B92").split()
# (set with the database, set with the logs): a copy from before and the logs that lead on.
ROLLED = [("B45", "B46"), ("B43", "B44")]
# Logs of another history under equal names, and a database that is ahead of its logs.
CROSSED = [("B02", "B04"), ("B04", "B02")]
REFUSED = ["D12"]
PAGE = 8192
EMPTY, FLUSH_TYPE = 0x8, 0x18000
VERSION_MARK = 1


def find_corpus():
    places = [os.environ.get("STILLFRAME_CORPUS"), HERE.parents[2].parent / "shared" / "corpus"]
    for place in places:
        if place and (pathlib.Path(place) / ARCHIVE).is_file():
            return pathlib.Path(place)
    return None


def page_state(page):
    """What a page says, without its checksum, the order of its bodies and the marks of versions."""
    if not any(page):
        return None
    dbtime, left, right, objid, _, _, _, tags, flags = struct.unpack_from("<8xqIIIHHHHI", page)
    if flags & EMPTY:
        return dbtime, objid, "empty"
    nodes = []
    for tag in range(tags & 0xFFF):
        size, offset = struct.unpack_from("<HH", page, len(page) - 4 * (tag + 1))
        body = page[40 + (offset & 0x1FFF):][:size & 0x1FFF]
        nodes.append(((offset >> 13) & ~VERSION_MARK if tag else 0, body))
    return dbtime, left, right, objid, flags & ~FLUSH_TYPE, nodes


def differing_pages(one, other):
    first, second = one.read_bytes(), other.read_bytes()
    if len(first) != len(second):
        return ["size"]
    return [at // PAGE - 1 for at in range(2 * PAGE, len(first), PAGE)
            if page_state(first[at:at + PAGE]) != page_state(second[at:at + PAGE])]


class Run:
    def __init__(self, esectl, corpus, root):
        self.esectl, self.corpus, self.root, self.failures = esectl, corpus, root, []

    def fail(self, what):
        self.failures.append(what)

    def set(self, name):
        return next(self.corpus.glob(f"*/{name}"))

    def ask(self, *words):
        done = subprocess.run([self.esectl, *map(str, words)], capture_output=True, check=False,
                              timeout=120)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def recover(self, logs, databases):
        to = pathlib.Path(tempfile.mkdtemp(dir=self.root))
        code, out, err = self.ask("recover", "--json", "--to", to, "--databases", databases, logs)
        return code, json.loads(out) if code == 0 else err + out, to

    def whole(self, name, database):
        code, out, _ = self.ask("verify", "--json", database)
        report = json.loads(out)
        if code != 0 or report.get("verdict") != "good" or report["state"] != "CleanShutdown":
            self.fail(f"{name}: after recovery: {report.get('verdict')}, {report.get('findings')}")
        return report

    def dirty(self):
        for name, file in DIRTY.items():
            code, answer, to = self.recover(self.set(name), self.set(name))
            if code != 0:
                self.fail(f"{name}: not recovered: {answer}")
                continue
            report = self.whole(name, to / file)
            print(f"{name}: recovered, {answer['replayed']['changes']} changes replayed, "
                  f"{report['rows']} rows")

    def rebuilt(self):
        equal = 0
        for name in REBUILT:
            nowhere = pathlib.Path(tempfile.mkdtemp(dir=self.root))
            code, answer, to = self.recover(self.set(name), nowhere)
            if code != 0:
                self.fail(f"{name}: not made from its logs: {answer}")
                continue
            self.whole(name, to / "storage.ide")
            differing = differing_pages(to / "storage.ide", self.set(name) / "storage.ide")
            equal += not differing
            if differing:
                self.fail(f"{name}: replayed from its logs, pages {differing[:8]} differ")
        print(f"{equal} of {len(REBUILT)} databases equal what their logs alone make")

    def rolled(self):
        for before, after in ROLLED:
            code, answer, to = self.recover(self.set(after), self.set(before))
            if code != 0:
                self.fail(f"{before} with the logs of {after}: {answer}")
                continue
            differing = differing_pages(to / "storage.ide", self.set(after) / "storage.ide")
            if differing:
                self.fail(f"{before} rolled forward: pages {differing[:8]} differ from {after}")

    def refused(self):
        pairs = CROSSED + [(name, name) for name in REFUSED]
        for database, logs in pairs:
            code, answer, to = self.recover(self.set(logs), self.set(database))
            if code == 0:
                self.fail(f"{database} with the logs of {logs}: not refused, {answer['databases']}")
            elif code not in (5, 7) or any(to.iterdir()):
                self.fail(f"{database} with the logs of {logs}: exit code {code}, {answer}")
        print(f"{len(pairs)} combinations that do not belong together were tried")


def hashes(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


def main():
    corpus = find_corpus()
    if corpus is None:
        print(f"skipped: no {ARCHIVE}: set STILLFRAME_CORPUS to the folder that has it")
        sys.exit(SKIP)
    if not shutil.which("zstd"):
        print("skipped: zstd is not installed")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as folder:
        files, scratch = pathlib.Path(folder) / "corpus", pathlib.Path(folder) / "scratch"
        files.mkdir()
        scratch.mkdir()
        subprocess.run(f"zstd -q -d --long=27 -c '{corpus / ARCHIVE}' | tar x -C '{files}'",
                       shell=True, check=True)
        before = hashes(files)
        run = Run(sys.argv[1], files, scratch)
        run.dirty()
        run.rebuilt()
        run.rolled()
        run.refused()
        if hashes(files) != before:
            run.fail("an input file was changed")
    for failure in run.failures:
        print("FAILED:", failure)
    sys.exit(1 if run.failures else 0)


if __name__ == "__main__":
    main()
