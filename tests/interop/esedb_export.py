"""What esedbexport (libesedb-utils 20181229) makes of a database, cell by cell. See ese_written_test.py."""
import re
import struct
import subprocess

from ese_interop_test import FORMATS
from ese_rows import LONG_TEXT, TEXT

# What it cannot do, whoever wrote the file; ese_written_test.py prints them.
LIMITS = [
    "unsigned 64-bit numbers: it knows no such type and stops at the table",
    "null over the default of a tagged column, in pages up to 8 KiB: it takes the flag for a size and stops",
    "several values of which one is a long value of its own: it stops",
    "several values: it shows none, or all bytes in a row",
    "long values of their own: it shows none, or the first chunk; a row too large for its page has short ones too",
    "the default of a column that a row does not store: it shows none",
    "compressed values: it shows what is stored, or takes 7-bit text for UTF-16",
    "numbers of 64 bits that could be a time, and times: shown as dates in its own way",
    "several values of which one is empty: it stops",
    "32-bit floating-point numbers, and null in a fixed column: it shows zero",
    "an empty value in a tagged column, in pages up to 8 KiB: it mixes up the tagged columns of the row",
    "null and an empty value elsewhere: it shows both as nothing",
]
UNCOMPARED = {"packed", "packed_text"}
BIT, SINGLE, DOUBLE, TIME, LONG_BINARY = 1, 6, 7, 8, 11
KNOWN_STOPS = "unusual"  # the last table has what it stops at
INTRINSIC_SURELY, FIRST_VARIABLE, FIRST_TAGGED = 255, 128, 256


class Export:
    """Every table up to the one at which it stops."""

    def __init__(self, path, folder):
        self.cells = 0
        done = subprocess.run(["esedbexport", "-t", str(folder / "esedb"), str(path)],
                              capture_output=True, check=False, timeout=3600)
        self.said = done.stderr.decode("utf-8", "replace").strip()
        self.files = {re.sub(r"\.\d+$", "", file.name): file
                      for file in (folder / "esedb.export").glob("*")}

    def compare(self, table, columns):
        """What differs; `columns` as the reader has them."""
        if table.name == KNOWN_STOPS:
            return []
        if table.name not in self.files:
            return [f"esedbexport does not get to {table.name}: {self.said}"]
        lines = self.files[table.name].read_bytes().decode("utf-8", "replace").split("\n")
        names, rows = lines[0].split("\t"), [line.split("\t") for line in lines[1:] if line]
        if names != [column.name for column in columns]:
            return [f"esedbexport finds other columns in {table.name}"]
        if len(rows) != len(table.rows):
            return [f"esedbexport finds {len(rows)} rows in {table.name}, not {len(table.rows)}"]
        for number, (row, expected) in enumerate(zip(rows, table.rows)):
            lost = any(values[0] == b"" for column in columns if column.number >= FIRST_TAGGED
                       for values in [expected.get(column.name)] if values)
            for column, cell in zip(columns, row):
                values = expected.get(column.name, [])
                if (lost and column.number >= FIRST_TAGGED) or not self.can_show(column, values):
                    continue
                self.cells += 1
                if not same(column, values[0] if values else b"", cell):
                    return [f"esedbexport: row {number} of {table.name}: '{column.name}' is {cell!r}, "
                            f"written was {values}"]
        return []

    @staticmethod
    def can_show(column, values):
        if len(values) > 1 or (not values and column.number < FIRST_VARIABLE):
            return False
        if column.name in UNCOMPARED or column.kind == SINGLE:
            return False
        if values and values == column.default:
            return False
        return not values or len(values[0]) <= INTRINSIC_SURELY


def same(column, value, cell):
    if not value:
        return cell == ""
    if column.kind == BIT:
        return cell == ("true" if value[0] else "false")
    if column.kind == TIME:  # in a file without other times: the two halves of the number
        return not cell.startswith("(") or cell == "(0x{:08x} 0x{:08x})".format(
            *reversed(struct.unpack("<II", value)))
    if column.kind == DOUBLE:
        return cell == f"{struct.unpack(FORMATS[column.kind], value)[0]:.6f}"
    if column.kind in FORMATS:
        number = struct.unpack(FORMATS[column.kind], value)[0]
        unsigned = number & (1 << 8 * len(value)) - 1
        return cell in (str(number), str(unsigned)) or not re.fullmatch(r"-?\d+", cell)
    if column.kind in (TEXT, LONG_TEXT):
        return cell == value.decode("utf-16-le" if column.code_page == 1200 else "cp1252")
    return cell == value.hex()
