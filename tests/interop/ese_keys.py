"""Keys of index entries by docs/formats/keys.md. See ese_format.py."""
import itertools

UNIQUE, ALL_NULLS, FIRST_NULL, SOME_NULLS = 0x1, 0x2, 0x4, 0x8
PRIMARY, MULTI_VALUED, NULLS_HIGH, CROSS, DOT_NET = 0x20, 0x80, 0x800, 0x2000, 0x20000
BIT, BYTE, SINGLE, DOUBLE, TIME, BINARY, TEXT, LONG_BINARY, LONG_TEXT, GUID = (
    1, 2, 6, 7, 8, 9, 10, 11, 12, 16)
SIGNED, UNSIGNED = (3, 4, 5, 15), (14, 17, 18)
UNICODE = 1200
GUID_ORDER = (10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3)
DOT_NET_ORDER = (3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15)


def text_key(value, room):
    value = bytes(value).split(b"\0")[0]
    if len(value) < room:
        return value.translate(CAPITALS) + b"\0"
    return value[:room - 1].translate(CAPITALS) + bytes([(value[room - 1] - 0x20) & 0xFF])


CAPITALS = bytes(b - 0x20 if 0x61 <= b <= 0x7A else b for b in range(256))


def binary_key(value):
    key = b""
    for at in range(0, len(value), 8):
        group = bytes(value[at:at + 8])
        key += group.ljust(8, b"\0") + bytes([9 if at + 8 < len(value) else len(group)])
    return key


def number_key(column, value):
    key = bytearray(reversed(value))
    if column.kind in (SINGLE, DOUBLE, TIME) and key[0] & 0x80:
        return bytes(byte ^ 0xFF for byte in key)
    if column.kind not in UNSIGNED:
        key[0] ^= 0x80
    return bytes(key)


def value_key(index, column, value, room):
    if column.kind in (BIT, BYTE) or (column.kind == BINARY and column.number < 128):
        return bytes(value)
    if column.kind == GUID:
        return bytes(value[at] for at in (DOT_NET_ORDER if index.flags & DOT_NET else GUID_ORDER))
    if column.kind in (BINARY, LONG_BINARY):
        return binary_key(value)[:room]
    if column.kind in (TEXT, LONG_TEXT):
        return text_key(value, room)
    return number_key(column, value)


def segment_key(index, column, value, room, descending):
    if value is None:
        key = b"\xC0" if index.flags & NULLS_HIGH else b"\0"
    elif not value:
        key = b"\x40"
    else:
        variable = column.kind in (BINARY, TEXT, LONG_BINARY, LONG_TEXT)
        most = min(room, index.variable_most) if variable else room
        key = b"\x7F" + (value_key(index, column, value, most - 1) if most > 1 else b"")
    key = key[:room]
    return bytes(byte ^ 0xFF for byte in key) if descending else key


def can_make(table, index):
    """Not those that need the collations of Windows, or are over pieces of text."""
    columns = [column_of(table, segment) for segment in index.segments]
    return not index.tuples and all(
        c is not None and not (c.kind in (TEXT, LONG_TEXT) and c.code_page == UNICODE)
        for c in columns)


def column_of(table, segment):
    """The table's column, or its template's: who numbers it decides."""
    number, inherited = segment[:2]
    same = [c for c in table.columns if c.number == number]
    return next((c for c in same if c.inherited == inherited), same[0] if same else None)


def takes(index, null):
    if index.flags & PRIMARY or not any(null):
        return True
    if all(null):
        return bool(index.flags & ALL_NULLS)
    return bool(index.flags & (FIRST_NULL if null[0] else SOME_NULLS))


def choices(index, values):
    """One value, or None, for every segment of each entry."""
    if not index.flags & MULTI_VALUED:
        return [[each[0] if each else None for each in values]]
    if index.flags & CROSS:
        return itertools.product(*(each or [None] for each in values))
    first = [each[0] if each else None for each in values]
    counted = next((at for at, each in enumerate(values) if len(each) > 1), None)
    if counted is None:
        return [first]
    return [first[:counted] + [value] + first[counted + 1:] for value in values[counted]]


def keys_of(table, index, record):
    """All keys that a record has in an index."""
    for condition in index.conditions:
        column = column_of(table, condition)
        if column is not None and bool(record.values(column)) == condition[3]:
            return set()
    columns = [column_of(table, segment) for segment in index.segments]
    keys = set()
    for choice in choices(index, [record.values(column) for column in columns]):
        if not takes(index, [value is None for value in choice]):
            continue
        key = b""
        for segment, column, value in zip(index.segments, columns, choice):
            if len(key) < index.key_most:
                key += segment_key(index, column, value, index.key_most - len(key), segment[2])
        keys.add(key)
    return keys
