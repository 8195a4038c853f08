"""What the engine writes, read by programs that share no code with it.

For every page size ese-write-database works on a database as an application does and says which rows
it wrote. Those have to be what the reader made from docs/formats finds, in every byte; what esedbexport
(libesedb-utils) exports, within the limits listed below; and what esectl exports. ese_judge.py, esectl
verify and the log linter have to be content. STILLFRAME_TEST_SEED chooses another seed.

    ese_written_test.py WRITER ESECTL ROWS
"""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left in the source folder

from ese_format import Database
from ese_interop_test import row_of
from ese_judge import Judge
from ese_rows import Reader
from esedb_export import Export, LIMITS

PAGE_SIZES = (2048, 4096, 8192, 16384, 32768)
SYSTEM = {"MSysObjects", "MSysObjectsShadow", "MSysObjids"}
TIMEOUT = 3600
SEED = 4279635972


class Expected:
    """A table as the writer says it is."""

    def __init__(self, said, lines):
        self.name, self.columns, self.indexes = said["table"], said["columns"], said["indexes"]
        self.rows = [{name: [bytes.fromhex(value) for value in values]
                      for name, values in json.loads(next(lines)).items()}
                     for _ in range(said["rows"])]


def read_expected(path):
    with open(path, encoding="ascii") as lines:
        return [Expected(json.loads(line), lines) for line in lines]


class Written:
    """One database and what is said of it."""

    def __init__(self, writer, esectl, folder, page_bytes, rows, seed):
        self.esectl, self.folder, self.failures = esectl, folder, []
        self.path = folder / "written.edb"
        done = self.run(writer, folder, page_bytes, rows, seed)
        if done.returncode != 0:
            sys.exit(f"FAILED: it cannot be written: {done.stderr.decode()}")
        self.expected = read_expected(folder / "expected.jsonl")
        self.compared = collections.Counter()

    def fail(self, what):
        self.failures.append(what)

    def run(self, *words):
        return subprocess.run([*map(str, words)], capture_output=True, check=False, timeout=TIMEOUT)

    def judged(self):
        judge = Judge(self.path)
        self.failures += judge.findings
        return (f"{judge.pages} pages, {judge.rows} rows, {judge.entries} index entries, "
                f"{judge.long_values} long values")

    def read_by_documents(self):
        reader = Reader(Database(self.path))
        names = {table.name for table in self.expected}
        if set(reader.tables) - SYSTEM != names:
            self.fail(f"its tables are {sorted(reader.tables)}")
        for table in self.expected:
            found = reader.tables.get(table.name)
            if found is None:
                continue
            if {column.name: column.kind for column in found.columns} != table.columns:
                self.fail(f"{table.name} has other columns")
            if sorted(index.name for index in found.indexes) != sorted(table.indexes):
                self.fail(f"{table.name} has other indexes")
            rows = [{column.name: [bytes(value) for value in values]
                     for column, values in zip(found.columns, cells) if values}
                    for cells in reader.rows(found)]
            self.same_rows("the reader", table, rows)
            self.exported_by_esectl(table, found)

    def same_rows(self, who, table, rows):
        if len(rows) != len(table.rows):
            return self.fail(f"{who} finds {len(rows)} rows in {table.name}, not {len(table.rows)}")
        for number, (row, expected) in enumerate(zip(rows, table.rows)):
            self.compared[who] += len(expected)
            if row != expected:
                apart = [name for name in row.keys() | expected.keys()
                         if row.get(name) != expected.get(name)]
                return self.fail(f"{who}: row {number} of {table.name} differs in {apart}")
        return None

    def exported_by_esectl(self, table, found):
        done = self.run(self.esectl, "export", "--json", self.path, "--table", table.name)
        rows = [json.loads(line) for line in done.stdout.decode().splitlines() if line]
        shown = [row_of(found.columns, [row.get(c.name, []) for c in found.columns])
                 for row in table.rows]
        if rows != shown:
            self.fail(f"esectl exports other rows of {table.name}")
        self.compared["esectl"] += sum(map(len, shown))

    def verified(self):
        done = self.run(self.esectl, "verify", "--json", self.path)
        report = json.loads(done.stdout)
        if done.returncode != 0 or report["verdict"] != "good" or report["pages_bad"]:
            self.fail(f"esectl verify: {report}")
        done = self.run(self.esectl, "logs", "--json", "--lint", self.folder / "logs")
        answer = json.loads(done.stdout)
        runs = [run for one in answer["sets"] for run in one["lint"]]
        if done.returncode != 0 or not runs or any(run["findings_count"] for run in runs):
            self.fail(f"the log linter: {answer}")
        return f"{sum(run['records'] for run in runs)} log records"

    def read_by_esedb(self):
        info = self.run("esedbinfo", self.path)
        if info.returncode != 0:
            self.fail(f"esedbinfo: {info.stderr.decode()} {info.stdout.decode()[-300:]}")
        export, reader = Export(self.path, self.folder), Reader(Database(self.path))
        for table in self.expected:
            self.failures += export.compare(table, reader.tables[table.name].columns)
        self.compared["esedbexport"] += export.cells


def main():
    writer, esectl, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    scale = float(os.environ.get("STILLFRAME_TEST_SCALE", "1"))
    rows = max(200, int(rows * scale))
    seed = int(os.environ.get("STILLFRAME_TEST_SEED", SEED))
    print(f"seed {seed}, {rows} rows")
    has_esedb = shutil.which("esedbexport") is not None
    failed = 0
    for page_bytes in PAGE_SIZES:
        with tempfile.TemporaryDirectory() as folder:
            written = Written(writer, esectl, pathlib.Path(folder), page_bytes, rows, seed)
            said = [written.judged(), written.verified()]
            written.read_by_documents()
            if has_esedb:
                written.read_by_esedb()
            cells = [f"{count} cells by {who}" for who, count in written.compared.items()]
            print(f"{page_bytes}: {', '.join(said + cells)}", flush=True)
        for failure in written.failures[:20]:
            print(f"FAILED: {page_bytes}: {failure}")
        failed += len(written.failures)
    print("\n".join(["not compared with esedbexport:", *LIMITS]) if has_esedb
          else "esedbexport is not installed: nothing was compared with it")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
