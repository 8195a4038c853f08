"""Catalog, records, long values and compression by docs/formats. See ese_format.py."""
import collections
import struct

from ese_format import Wrong, u16, u32

TABLE, COLUMN, INDEX, LONG_VALUES = 1, 2, 3, 4
TEXT, LONG_TEXT = 10, 12
# catalog.md: number, name, bytes; variable and tagged columns have no size of their own.
CATALOG = [(1, "table", 4), (2, "type", 2), (3, "id", 4), (4, "root", 4), (5, "space", 4),
           (6, "flags", 4), (7, "pages", 4), (8, "root_flag", 1), (9, "offset", 2), (10, "map", 4),
           (11, "key_most", 2), (12, "chunk", 4), (13, "time", 8), (128, "name", 0),
           (129, "stats", 0), (130, "template", 0), (131, "default", 0), (132, "segments", 0),
           (133, "variable_most", 0), (134, "conditions", 0), (135, "tuples", 0)]

Column = collections.namedtuple("Column", "number name bytes kind code_page inherited default")
# Segments and conditions: (column's number, whether the template's, descending, must be null).
Index = collections.namedtuple(
    "Index", "name objid root flags key_most variable_most segments conditions tuples")


class Table:
    def __init__(self, name, objid, root):
        self.name, self.objid, self.root = name, objid, root
        self.own, self.columns, self.indexes = [], [], []
        self.template, self.chunk, self.long_root, self.long_objid = "", 0, 0, 0


def expand(data):
    """compression.md."""
    scheme, parameter, rest = data[0] >> 3, data[0] & 7, data[1:]
    if scheme in (1, 2):
        count = (8 * (len(data) - 2) + parameter + 1) // 7
        bits = int.from_bytes(rest, "little")
        text = bytes(bits >> 7 * i & 0x7F for i in range(count))
        return text if scheme == 1 else b"".join(bytes((c, 0)) for c in text)
    if scheme == 3:
        return xpress(rest[2:], u16(rest, 0))
    if scheme == 7:
        return lz4(rest[2:], u16(rest, 0))
    raise Wrong(f"compression scheme {scheme}")


def copy_back(out, distance, length):
    if distance > len(out):
        raise Wrong("a copy from before the beginning")
    for _ in range(length):
        out.append(out[-distance])


def xpress(data, size):
    out, at, flags, left, half = bytearray(), 0, 0, 0, None
    while len(out) < size:
        if left == 0:
            flags, at, left = u32(data, at), at + 4, 32
        left -= 1
        if not flags >> left & 1:
            out.append(data[at])
            at += 1
            continue
        word, at = u16(data, at), at + 2
        length = word & 7
        if length == 7:
            if half is None:
                half, more, at = at, data[at] & 15, at + 1
            else:
                more, half = data[half] >> 4, None
            length += more
            if more == 15:
                length, at = length + data[at], at + 1
                if data[at - 1] == 255:
                    length, at = u16(data, at), at + 2
                    if length == 0:
                        length, at = u32(data, at), at + 4
        copy_back(out, (word >> 3) + 1, length + 3)
    return bytes(out)


def lz4(data, size):
    """The block format of LZ4, a public one."""
    out, at = bytearray(), 0

    def longer(length, at):
        while length >= 15:
            length, at = length + data[at], at + 1
            if data[at - 1] != 255:
                break
        return length, at

    while True:
        token, at = data[at], at + 1
        count, at = longer(token >> 4, at)
        out += data[at:at + count]
        at += count
        if at >= len(data):
            break
        distance, at = u16(data, at), at + 2
        count, at = longer(token & 15, at)
        copy_back(out, distance, count + 4)
    if len(out) != size:
        raise Wrong("an LZ4 block of another size than it says")
    return bytes(out)


class Record:
    """records.md: values by column, raw but for compression."""

    def __init__(self, data, large, columns, long_value):
        self.data, self.large, self.long_value = data, large, long_value
        self.last_fixed, self.last_variable, self.end = data[0], data[1], u16(data, 2)
        self.places, at = {}, 4
        for column in columns:
            if column.number < 128:
                self.places[column.number] = (at, column.bytes)
                at += column.bytes
        self.words = self.end + 2 * max(0, self.last_variable - 127)
        behind = u16(data, self.words - 2) & 0x7FFF if self.words > self.end else 0
        self.tagged = self.read_entries(self.words + behind)

    def read_entries(self, begin):
        if begin >= len(self.data):
            return {}
        mask = 0x7FFF if self.large else 0x1FFF
        count = (u16(self.data, begin + 2) & mask) // 4
        raw = [struct.unpack_from("<HH", self.data, begin + 4 * i) for i in range(count)]
        ends = [offset & mask for _, offset in raw[1:]] + [len(self.data) - begin]
        entries = {}
        for (number, offset), end in zip(raw, ends):
            value = self.data[begin + (offset & mask):begin + end]
            if not self.large and offset & 0x2000:
                head, value = 0x20, b""
            elif self.large or offset & 0x4000:
                head, value = value[0], value[1:]
            else:
                head = 0
            entries[number, bool(offset & 0x8000)] = (head, value)
        return entries

    def values(self, column):
        if column.number < 128:
            return self.fixed(column)
        if column.number < 256:
            return self.variable(column)
        entry = self.tagged.get((column.number, column.inherited))
        if entry is None:
            return column.default
        return self.several(*entry)

    def fixed(self, column):
        if column.number > self.last_fixed:
            return column.default
        nulls = self.end - (self.last_fixed + 7) // 8
        bit = column.number - 1
        if self.data[nulls + bit // 8] >> bit % 8 & 1:
            return []
        begin, size = self.places[column.number]
        return [self.data[begin:begin + size]]

    def variable(self, column):
        if column.number > self.last_variable:
            return column.default
        at = self.end + 2 * (column.number - 128)
        end = u16(self.data, at)
        begin = u16(self.data, at - 2) & 0x7FFF if column.number > 128 else 0
        if end & 0x8000:
            return []
        return [self.data[self.words + begin:self.words + end]]

    def several(self, head, value):
        if head & 0x40:
            raise Wrong("an encrypted value")
        if head & 0x20:
            return []
        if not head & 0x08:
            return [self.one(value, head & 0x04, head & 0x02)]
        if head & 0x10:
            size = value[0]
            return [self.one(value[1:1 + size], False, head & 0x02), value[1 + size:]]
        count = (u16(value, 0) & 0x7FFF) // 2
        words = [u16(value, 2 * i) for i in range(count)]
        ends = [word & 0x7FFF for word in words[1:]] + [len(value)]
        return [self.one(value[word & 0x7FFF:end], word & 0x8000, i == 0 and head & 0x02)
                for i, (word, end) in enumerate(zip(words, ends))]

    def one(self, value, elsewhere, compressed):
        if elsewhere:
            return self.long_value(int.from_bytes(value, "little"))
        return expand(value) if compressed else value


def index_of(name, row, number):
    """catalog.md: a row of type 3."""
    def segments(data):
        return [(u16(data, at + 2), bool(data[at] & 0x80), bool(data[at] & 0x40), bool(data[at] & 0x20))
                for at in range(0, len(data), 4)]

    most = number["key_most"] or 255
    return Index(name, number["id"], number["root"], number["flags"], most,
                 number["variable_most"] or most, segments(row["segments"]),
                 segments(row["conditions"]), bool(row["tuples"]))


class Reader:
    """The tables of a database and their rows."""

    def __init__(self, database):
        self.db = database
        self.large = database.page_bytes > 8192
        columns = [Column(n, name, size, 0, 0, False, []) for n, name, size in CATALOG]
        self.tables, by_objid = {}, {}
        for _, data in database.nodes(4, 2):
            record = Record(data, self.large, columns, None)
            row = {c.name: b"".join(record.values(c)) for c in columns}
            self.add(row, {k: int.from_bytes(v, "little") for k, v in row.items()}, by_objid)
        for table in self.tables.values():
            template = self.tables.get(table.template)
            inherited = [c._replace(inherited=True) for c in template.own] if template else []
            table.columns = sorted(inherited, key=lambda c: c.number) + table.own

    def add(self, row, number, by_objid):
        name = row["name"].decode("cp1252", "replace")
        if number["type"] == TABLE:
            table = Table(name, number["id"], number["root"])
            table.template, table.chunk = row["template"].decode("cp1252"), number["chunk"]
            self.tables[name] = by_objid[number["id"]] = table
            return
        table = by_objid[number["table"]]
        if number["type"] == COLUMN:
            default = [row["default"]] if number["flags"] & 0x10 and row["default"] else []
            table.own.append(Column(number["id"], name, number["space"], number["root"],
                                    number["pages"], False, default))
        elif number["type"] == INDEX:
            table.indexes.append(index_of(name, row, number))
        elif number["type"] == LONG_VALUES:
            table.long_root, table.long_objid = number["root"], number["id"]

    def chunk_bytes(self, table):
        if table.chunk:
            return table.chunk
        if self.db.header.update_major < 0x11:
            return 4035
        return self.db.page_bytes - (122 if self.large else 82)

    def long_values(self, table):
        """long-values.md: every one of the table's, by its LID."""
        found, chunk = {}, self.chunk_bytes(table)
        if not table.long_root:
            return found
        sizes, parts = {}, collections.defaultdict(list)
        for key, data in self.db.nodes(table.long_root, table.long_objid):
            width = 8 if key[0] & 0x80 else 4
            lid = int.from_bytes(key[:width], "big")
            if len(key) == width:
                sizes[lid] = u32(data, 4)
                continue
            offset = int.from_bytes(key[width:], "big")
            whole = min(chunk, sizes[lid] - offset)
            parts[lid].append(expand(data) if len(data) < whole else data)
        for lid, size in sizes.items():
            found[lid] = b"".join(parts[lid])
            if len(found[lid]) != size:
                raise Wrong(f"long value {lid:x} has {len(found[lid])} bytes, its root says {size}")
        return found

    def rows(self, table):
        """Each row as a list of values by column, in the order of table.columns."""
        long_values = self.long_values(table)
        for _, data in self.db.nodes(table.root, table.objid):
            record = Record(data, self.large, table.columns, long_values.__getitem__)
            yield [record.values(column) for column in table.columns if column.kind]
