"""Rows read straight from the pages of a SQLite file, for those to which its damaged inner pages lead no more."""

from collections.abc import Iterator
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

LEAF = 13  # a page of rows; https://www.sqlite.org/fileformat2.html, 1.6
INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
Value = int | str | bytes | None
TORN = (IndexError, ValueError, RecursionError)


class File(NamedTuple):
    """A database mapped into memory. usable: bytes of a page that hold content."""

    data: bytes | mmap
    page: int
    usable: int


def rows(path: Path, columns: int) -> Iterator[tuple[int, list[Value]]]:
    """Yield (rowid, values) of whatever in the file has the shape of a row with so many columns; numbers with fractions as None.

    Pages out of use may hold what was changed since: the caller must know a true row by its content.
    """
    with path.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
        yield from _rows(data, columns)


def _rows(data: mmap, columns: int) -> Iterator[tuple[int, list[Value]]]:
    known = data[:16] == b"SQLite format 3\0"
    size = {1: 65536}.get(told := int.from_bytes(data[16:18]), told) if known else 4096
    file = File(data, size, size - (data[20] if known else 0))
    for start in range(0, len(data) - size + 1, size):
        head = start + (100 if start == 0 else 0)
        if data[head] != LEAF:
            continue
        for at in range(int.from_bytes(data[head + 3 : head + 5])):
            with suppress(*TORN):
                rowid, record = _cell(file, start + int.from_bytes(data[head + 8 + 2 * at : head + 10 + 2 * at]))
                values = list(_values(record))
                if len(values) == columns:
                    yield rowid, values


def _cell(file: File, at: int) -> tuple[int, bytes]:
    """Return the rowid and the whole record of a cell, its overflow pages followed (1.5)."""
    size, at = _number(file.data, at)
    rowid, at = _number(file.data, at)
    most, least = file.usable - 35, (file.usable - 12) * 32 // 255 - 23
    if size <= most:
        return rowid, file.data[at : at + size]
    local = least + (size - least) % (file.usable - 4)
    local = local if local <= most else least
    record, after = bytearray(file.data[at : at + local]), int.from_bytes(file.data[at + local : at + local + 4])
    while after and len(record) < size:
        start = (after - 1) * file.page
        record += file.data[start + 4 : start + file.usable]
        after = int.from_bytes(file.data[start : start + 4])
    if len(record) < size:
        raise ValueError("the record is cut")
    return rowid, bytes(record[:size])


def _values(record: bytes) -> Iterator[Value]:
    """Yield the values of a record (2.1)."""
    end, at = _number(record, 0)
    kinds, place = [], end
    while at < end:
        kind, at = _number(record, at)
        kinds.append(kind)
    for kind in kinds:
        size = INTEGERS.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        held = record[place : place + size]
        if len(held) < size:
            raise ValueError("the record is cut")
        place += size
        if kind in INTEGERS:
            yield int.from_bytes(held, signed=True)
        elif kind >= 12:
            yield bytes(held) if kind % 2 == 0 else held.decode()
        else:
            yield {8: 0, 9: 1}.get(kind)


def _number(data: bytes | mmap, at: int) -> tuple[int, int]:
    """Return a variable-length integer and the place after it."""
    found = 0
    for step in range(9):
        byte = data[at + step]
        if step == 8:
            return found << 8 | byte, at + 9
        found = found << 7 | byte & 0x7F
        if byte < 0x80:
            return found, at + step + 1
    raise ValueError("no number")
