"""What esectl says of genuine databases, held against a reader written from docs/formats alone.

Tables, columns, indexes, owned and available pages and rows of every clean database of the corpus
have to agree, and the cells of a part of them; STILLFRAME_TEST_SCALE=100 compares all cells. The corpus
is found as tests/ese/corpus finds it, and without it the test says so and is skipped.
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True  # nothing is left in the source folder

from ese_format import Database, Wrong
from ese_rows import LONG_TEXT, TEXT, Reader

HERE = pathlib.Path(__file__).resolve().parent
ARCHIVE = "ese-windows.tar.zst"
SKIP = 77
CLEAN = 3
UNICODE = 1200
ROWS_COMPARED = 20000  # of all databases together
FORMATS = {2: "<B", 3: "<h", 4: "<i", 5: "<q", 6: "<f", 7: "<d", 8: "<d", 14: "<I", 15: "<q",
           17: "<H", 18: "<Q"}
BIT, GUID = 1, 16


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP)


def find_corpus():
    for place in (os.environ.get("STILLFRAME_CORPUS"), HERE.parents[1].parent / "shared" / "corpus"):
        if place and (pathlib.Path(place) / ARCHIVE).is_file():
            return pathlib.Path(place) / ARCHIVE
    return None


def shown(column, value):
    """A value as the JSON of `esectl export` has it."""
    if column.kind == BIT:
        return bool(value) and value[0] != 0
    if column.kind in FORMATS and struct.calcsize(FORMATS[column.kind]) == len(value):
        number = struct.unpack(FORMATS[column.kind], value)[0]
        finite = number == number and abs(number) != float("inf")
        return number if finite else str(number)
    if column.kind == GUID and len(value) == 16:
        return "{" + str(uuid.UUID(bytes_le=bytes(value))) + "}"
    if column.kind in (TEXT, LONG_TEXT):
        code = "utf-16-le" if column.code_page == UNICODE else "cp1252"
        return value.decode(code, "replace")
    return value.hex()


def row_of(columns, cells):
    row = {}
    for column, values in zip(columns, cells):
        if values:
            row[column.name] = (shown(column, values[0]) if len(values) == 1
                                else [shown(column, value) for value in values])
    return row


class Comparison:
    def __init__(self, esectl):
        self.esectl, self.failures = esectl, []
        self.databases = self.tables = self.rows = self.cells = 0
        scale = float(os.environ.get("STILLFRAME_TEST_SCALE", "1"))
        self.rows_left = int(ROWS_COMPARED * scale)

    def fail(self, name, what):
        self.failures.append(f"{name}: {what}")

    def database(self, name, path):
        database = Database(path)
        if database.header.state != CLEAN:
            return
        self.databases += 1
        reader = Reader(database)
        done = subprocess.run([self.esectl, "tables", "--json", "--system", path],
                              capture_output=True, check=False, timeout=60)
        theirs = json.loads(done.stdout).get("tables", [])
        if sorted(table["name"] for table in theirs) != sorted(reader.tables):
            self.fail(name, f"other tables (esectl ended with {done.returncode})")
        for said in theirs:
            self.table(f"{name} {said['name']}", reader, said, path)

    def table(self, name, reader, said, path):
        self.tables += 1
        table = reader.tables[said["name"]]
        columns = [column for column in table.columns if column.kind]
        rows = [row_of(columns, cells) for cells in reader.rows(table)]
        owned, available = reader.db.space(table.root, table.objid)
        mine = {"rows": len(rows), "columns": len(table.columns), "indexes": len(table.indexes),
                "pages_owned": len(owned), "pages_available": len(available)}
        self.rows += len(rows)
        for what, number in mine.items():
            if said[what] != number:
                self.fail(name, f"{what}: esectl has {said[what]}, the reader {number}")
        self.space(name, reader.db, table, owned, available)
        if 0 < len(rows) <= self.rows_left:
            self.rows_left -= len(rows)
            self.compare_cells(name, path, table, rows)

    def space(self, name, database, table, owned, available):
        used = {leaf.number for leaf in database.leaves(table.root, table.objid)}
        if not used <= owned or used & available or not available <= owned:
            self.fail(name, "uses pages that it does not own, or has free")

    def compare_cells(self, name, path, table, rows):
        done = subprocess.run([self.esectl, "export", "--json", path, "--table", table.name],
                              capture_output=True, check=False, timeout=60)
        theirs = [json.loads(line) for line in done.stdout.decode().splitlines() if line]
        if len(theirs) != len(rows):
            return self.fail(name, f"export has {len(theirs)} rows, the reader {len(rows)}")
        for number, (mine, other) in enumerate(zip(rows, theirs)):
            self.cells += len(mine)
            if mine != other:
                apart = [key for key in mine.keys() | other.keys() if mine.get(key) != other.get(key)]
                return self.fail(name, f"row {number} differs in {apart}")
        return None


def notices_damage(path):
    """That it agrees means something only if it would notice."""
    database = Database(path)
    if database.header.state != CLEAN:
        return None
    damaged = bytearray(database.bytes)
    damaged[5 * database.page_bytes + 300] ^= 0x10  # page 4: the catalog's root
    database.bytes = bytes(damaged)
    try:
        Reader(database)
    except Wrong:
        return True
    return False


def is_database(path):
    with open(path, "rb") as file:
        start = file.read(8)
    try:
        Database(path)
    except (Wrong, struct.error):
        return False
    return start[4:8] == b"\xef\xcd\xab\x89"


def main():
    archive = find_corpus()
    if archive is None:
        skip(f"no {ARCHIVE}: set STILLFRAME_CORPUS to the folder that has it")
    if not shutil.which("zstd"):
        skip("zstd is not installed")
    comparison, noticed = Comparison(sys.argv[1]), []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(f"zstd -q -d --long=27 -c '{archive}' | tar x -C '{folder}'", shell=True,
                       check=True)
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if not path.is_file() or not is_database(path):
                continue
            name = str(path.relative_to(folder))
            try:
                comparison.database(name, str(path))
                noticed.append(notices_damage(path))
            except (Wrong, IndexError, KeyError, struct.error) as error:
                comparison.fail(name, f"the reader fails: {error!r}")
    if False in noticed or True not in noticed:
        comparison.fail("the reader", "does not notice a flipped bit in the catalog")
    if comparison.databases < 50 or comparison.cells == 0:
        comparison.fail("the corpus", f"only {comparison.databases} databases were compared")
    print(f"{comparison.databases} clean databases, {comparison.tables} tables, {comparison.rows} rows "
          f"and {comparison.cells} cells agree with the reader but for {len(comparison.failures)}")
    for failure in comparison.failures[:40]:
        print("FAILED:", failure)
    sys.exit(1 if comparison.failures else 0)


if __name__ == "__main__":
    main()
