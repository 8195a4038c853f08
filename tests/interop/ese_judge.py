"""Whether a database is sound, by docs/formats alone. As a program: python3 ese_judge.py DATABASE...

Pages, the order and links of every tree, who owns which page, the catalog against its shadow, every
index entry against the rows, and how often each long value is referred to.
"""
import collections
import struct
import sys

sys.dont_write_bytecode = True  # nothing is left in the source folder

from ese_format import SPACE_TREE, Database, Wrong, u32
from ese_keys import PRIMARY, can_make, keys_of
from ese_rows import Reader, Record

CLEAN = 3
ROOT_OBJID, ROOT = 1, 1


class Judge:
    """What is wrong is in `findings`."""

    def __init__(self, path):
        self.findings = []
        self.rows = self.entries = self.pages = self.long_values = self.lost = 0
        try:
            self.db = Database(path)
            self.header()
            self.reader = Reader(self.db)
            self.space()
            self.shadow()
            for table in self.reader.tables.values():
                self.table(table)
        except (Wrong, IndexError, KeyError, struct.error) as error:
            self.findings.append(f"cannot be read: {error!r}")

    def fail(self, what):
        self.findings.append(what)

    def header(self):
        size = self.db.page_bytes
        if self.db.header.state != CLEAN:
            self.fail(f"its state is {self.db.header.state}")
        if self.db.bytes[:size] != self.db.bytes[size:2 * size]:
            self.fail("the copies of its header differ")

    # ---- Space

    def space(self):
        trees = collections.defaultdict(list)
        for table in self.reader.tables.values():
            trees[ROOT].append((table.root, table.objid))
            for index in table.indexes:
                if index.root != table.root:
                    trees[table.root].append((index.root, index.objid))
            if table.long_root:
                trees[table.root].append((table.long_root, table.long_objid))
        owned = self.object(ROOT, ROOT_OBJID, trees, None)
        if owned != set(range(1, len(owned) + 1)):
            self.fail("the database does not own pages 1 to N")
        if len(self.db.bytes) < (len(owned) + 2) * self.db.page_bytes:
            self.fail("the file is shorter than what the database owns")

    def object(self, root, objid, trees, parent):
        """What it owns; its own pages, those it has free and those of what is in it are apart."""
        owned, available = self.db.space(root, objid)
        if parent is not None and self.db.space_header(root)[1] != parent:
            self.fail(f"object {objid} says that its space is another object's")
        used = [page.number for page in self.db.pages(root, objid)]
        used += self.space_trees(root, objid)
        used += available
        for child, child_objid in trees[root]:
            used += self.object(child, child_objid, trees, root)
        if len(set(used)) != len(used):
            twice = [page for page, count in collections.Counter(used).items() if count > 1]
            self.fail(f"object {objid}: pages {sorted(twice)[:8]} are used twice")
        if not set(used) <= owned:
            self.fail(f"object {objid} uses {sorted(set(used) - owned)[:8]}, which it does not own")
        self.pages += len(owned) if parent is None else 0
        self.lost += len(owned - set(used))
        return owned

    def space_trees(self, root, objid):
        """The pages of the trees of extents, and what these hold back for themselves."""
        _, _, several, last = self.db.space_header(root)
        pages = []
        for tree in (last, last + 1) if several else ():
            for page in self.db.pages(tree, objid):
                pages.append(page.number)
                if not page.flags & SPACE_TREE:
                    self.fail(f"page {page.number} is in a tree of extents and does not say so")
            for end, count in struct.iter_unpack("<II", self.db.page(tree).external[:16]):
                pages += range(end - count + 1, end + 1)
        return pages

    # ---- Contents

    def shadow(self):
        if "MSysObjectsShadow" not in self.reader.tables:
            return
        table = self.reader.tables["MSysObjectsShadow"]
        if list(self.db.nodes(4, 2)) != list(self.db.nodes(table.root, table.objid)):
            self.fail("the catalog and its shadow differ")

    def table(self, table):
        long_values, referred = self.reader.long_values(table), collections.Counter()

        def long_value(lid):
            referred[lid] += 1
            return long_values[lid]

        expected = {index.name: [] for index in table.indexes if can_make(table, index)}
        for bookmark, data in self.db.nodes(table.root, table.objid):
            self.rows += 1
            record = Record(data, self.reader.large, table.columns, long_value)
            for column in table.columns:  # each refers to its long values once
                record.values(column) if column.kind else None
            record.long_value = long_values.__getitem__
            for index in table.indexes:
                if index.name in expected:
                    keys = keys_of(table, index, record)
                    expected[index.name] += ((key, bookmark) for key in keys)
        for index in table.indexes:
            if index.name in expected:
                self.index(table, index, sorted(expected[index.name]))
        self.references(table, referred)

    def index(self, table, index, expected):
        if index.flags & PRIMARY:
            if any(key != bookmark for key, bookmark in expected):
                self.fail(f"table {table.name}: a row is not where its primary key says")
            return
        found = list(self.db.nodes(index.root, index.objid))
        self.entries += len(found)
        if sorted(found) != expected:
            missing, extra = set(expected) - set(found), set(found) - set(expected)
            self.fail(f"table {table.name}, index {index.name}: {len(missing)} entries are missing, "
                      f"{len(extra)} too many: {sorted(missing)[:1]} {sorted(extra)[:1]}")

    def references(self, table, referred):
        if not table.long_root:
            return
        for key, data in self.db.nodes(table.long_root, table.long_objid):
            if len(key) not in (4, 8) or (len(key) == 8 and not key[0] & 0x80):
                continue
            self.long_values += 1
            lid, said = int.from_bytes(key, "big"), u32(data, 0)
            if said != referred[lid]:
                self.fail(f"table {table.name}: long value {lid:x} has {said} references by its "
                          f"root, {referred[lid]} by the rows")


def main():
    wrong = False
    for path in sys.argv[1:]:
        judge = Judge(path)
        print(f"{path}: {judge.pages} pages, {judge.lost} of them lost, {judge.rows} rows, "
              f"{judge.entries} index entries, {judge.long_values} long values, "
              f"{len(judge.findings)} findings")
        for finding in judge.findings[:20]:
            print("FAILED:", finding)
        wrong = wrong or bool(judge.findings)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
