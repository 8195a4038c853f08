"""ESE databases read by what docs/formats says, and by nothing else: header, pages, trees, space.

A second opinion on the engine under writers/ese, so it shares no code with it and is written from
the documents alone. Where they do not suffice, they are what has to be mended.
"""
import functools
import struct

MAGIC = 0x89ABCDEF
ROOT, LEAF, EMPTIED, SPACE_TREE, ECC = 0x1, 0x2, 0x8, 0x20, 0x2000
DELETED, HAS_PREFIX = 2, 4
DEPTH_MAX = 16


class Wrong(Exception):
    """The file is not what the documents say."""


def u16(data, at):
    return struct.unpack_from("<H", data, at)[0]


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def xor_words(data):
    """checksums.md: XOR of all 32-bit words, by halving."""
    number, bits = int.from_bytes(data, "little"), len(data) * 8
    if bits & (bits - 1):  # header sums leave the first word out
        number, bits = number << 32, bits + 32
    while bits > 32:
        bits //= 2
        number = (number >> bits) ^ (number & ((1 << bits) - 1))
    return number


@functools.lru_cache(None)
def masks_of(bits):
    """For each bit b of a bit's number: the bits of a block whose number has it set."""
    masks = []
    for b in range(bits.bit_length() - 1):
        run = 1 << b
        mask, width = ((1 << run) - 1) << run, 2 * run
        while width < bits:
            mask, width = mask | mask << width, width * 2
        masks.append(mask)
    return masks


def ecc_sum(block, number, holds_checksum):
    """checksums.md, ECC."""
    data = bytes(8) + block[8:] if holds_checksum else bytes(block)
    value, bits = int.from_bytes(data, "little"), len(data) * 8
    low = sum((1 << b) for b, mask in enumerate(masks_of(bits)) if (value & mask).bit_count() & 1)
    high = low ^ (bits - 1) if value.bit_count() & 1 else low
    return (xor_words(data) ^ number) | low << 32 | high << 48


class Header:
    """database-header.md: of the two copies the first that is whole."""

    def __init__(self, start):
        for size in (2048, 4096, 8192, 16384, 32768):
            for at in (0, size):
                page = start[at:at + size]
                if len(page) == size and self.whole(page, size):
                    self.page_bytes = size
                    self.state = u32(page, 52)
                    self.update_major = u32(page, 232)
                    return
        raise Wrong("neither copy of the header is whole")

    @staticmethod
    def whole(page, size):
        return (u32(page, 4) == MAGIC and (u32(page, 236) or 4096) == size
                and u32(page, 0) == MAGIC ^ xor_words(page[4:]))


class Page:
    """pages.md."""

    def __init__(self, data, number):
        self.data, self.number = data, number
        self.large = len(data) > 8192
        self.head = 80 if self.large else 40
        self.previous, self.next, self.objid = u32(data, 16), u32(data, 20), u32(data, 24)
        self.free, self.flags = u16(data, 28), u32(data, 36)
        state = u16(data, 34)
        self.tags, self.reserved = state & 0xFFF, max(1, state >> 12 & 7)
        self.check_sums()
        self.external = self.body(0)[0]
        self.check_room()

    def check_sums(self):
        if not self.flags & ECC:
            right = u32(self.data, 0) == MAGIC ^ xor_words(self.data[4:])
            if not right or u32(self.data, 4) != self.number:
                raise Wrong(f"page {self.number}: XOR checksum")
            return
        count = 4 if self.large else 1
        each = len(self.data) // count
        stored = [u64(self.data, 0)] + [u64(self.data, 40 + 8 * i) for i in range(count - 1)]
        for i, expected in enumerate(stored):
            if ecc_sum(self.data[i * each:(i + 1) * each], self.number, i == 0) != expected:
                raise Wrong(f"page {self.number}: ECC checksum of block {i}")

    def check_room(self):
        used = self.head + 4 * self.tags + sum(len(self.body(i)[0]) for i in range(self.tags))
        if used + self.free != len(self.data):
            raise Wrong(f"page {self.number}: space_adds_up")

    def body(self, tag):
        """The bytes of a tag and, on small pages, the node's flags."""
        at = len(self.data) - 4 * (tag + 1)
        size, offset = u16(self.data, at), u16(self.data, at + 2)
        mask = 0x7FFF if self.large else 0x1FFF
        begin = self.head + (offset & mask)
        if not size & mask:
            return b"", offset >> 13
        return self.data[begin:begin + (size & mask)], offset >> 13

    def prefix(self):
        if not self.flags & ROOT:
            return self.external
        return self.external[16:] if self.flags & SPACE_TREE else b""

    def nodes(self):
        """(key, data, flags) of every line."""
        prefix = self.prefix()
        for tag in range(self.reserved, self.tags):
            body, flags = self.body(tag)
            if self.large:
                flags = u16(body, 0) >> 13
            at, key = 0, b""
            if flags & HAS_PREFIX:
                key, at = prefix[:u16(body, 0) & 0x1FFF], 2
            size = u16(body, at) & 0x1FFF
            key += body[at + 2:at + 2 + size]
            yield key, body[at + 2 + size:], flags


class Database:
    """Pages, trees and space of a file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.header = Header(self.bytes)
        self.page_bytes = self.header.page_bytes

    def page(self, number):
        begin = (number + 1) * self.page_bytes
        if number < 1 or begin + self.page_bytes > len(self.bytes):
            raise Wrong(f"page {number} is past the end of the file")
        return Page(self.bytes[begin:begin + self.page_bytes], number)

    def pages(self, root, objid, depth=0):
        """The pages of a tree, each before those below it, from left to right (trees.md)."""
        page = self.page(root)
        if page.objid != objid:
            raise Wrong(f"page {root} is of object {page.objid}, not of {objid}")
        if depth == DEPTH_MAX:
            raise Wrong(f"page {root} is too deep")
        yield page
        if not page.flags & LEAF:
            for _, data, _ in page.nodes():
                yield from self.pages(u32(data, 0), objid, depth + 1)

    def leaves(self, root, objid):
        return (page for page in self.pages(root, objid) if page.flags & LEAF)

    def nodes(self, root, objid):
        """(key, data) of a tree's live nodes; links and order are checked on the way."""
        before, last = None, None
        for leaf in self.leaves(root, objid):
            if before is not None and (before.next != leaf.number or leaf.previous != before.number):
                raise Wrong(f"leaves {before.number} and {leaf.number} are not linked")
            before = leaf
            for key, data, flags in leaf.nodes():
                if last is not None and (key, data) <= last:
                    raise Wrong(f"page {leaf.number}: keys_ascend")
                last = (key, data)
                if not flags & DELETED:
                    yield key, data
        if before.next != 0:
            raise Wrong(f"leaf {before.number} is the last and links to another")

    def space_header(self, root):
        """space.md: (pages of the primary extent, parent, whether there are several, the last word)."""
        head = self.page(root).external
        if len(head) != 16:
            if not head or head[0] & ~3 or not head[0] & 1:
                raise Wrong(f"page {root}: unknown form of space header")
            head = head[1:17]
        pages, parent, flags, last = struct.unpack("<4I", head)
        return pages, parent, bool(flags & 1), last

    def space(self, root, objid):
        """(owned, available), each a set of pages."""
        pages, _, several, last = self.space_header(root)
        if not several:
            owned = set(range(root, root + pages))
            return owned, {p for p in owned
                           if p > root and (p - root > 32 or last >> (p - root - 1) & 1)}
        return self.extents(last, objid), self.extents(last + 1, objid)

    def extents(self, root, objid):
        pages = set()
        for key, data in self.nodes(root, objid):
            last, count = int.from_bytes(key[-4:], "big"), u32(data, 0)
            pages.update(range(last - count + 1, last + 1))
        return pages
