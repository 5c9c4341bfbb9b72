"""What of a damaged database is still whole: told by SQLite and by the hash of each content, and carried into a new file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.journal import COLUMNS, SCHEMA_VERSION, TABLES, Version, address, leaves, raised
from publisher.journal.reader import Reader
from publisher.journal.rows import rows
from publisher.journal.serving import DERIVED, Serving
from publisher.record import content_hash

SPAN = 4096  # versions read at once; a span that cannot be read is halved until it is one
FEW = 5


class Saved(NamedTuple):
    """What was carried into a new journal. lost: (seq, IRI or "") of each version that could not be; aside: where the damaged file lies."""

    kept: int
    lost: list[tuple[int, str]]
    aside: Path


def damage(path: Path) -> list[str]:
    """Return what SQLite finds wrong with a database, the first few things; [] for a sound one."""
    if not path.exists():
        return [f"{path}: it is not there"]
    try:
        with closing(sqlite3.connect(address(path), uri=True)) as db:
            found = [row[0] for row in db.execute(f"pragma integrity_check({FEW})")]
    except sqlite3.Error as error:
        return [f"{path}: {error}"]
    return [] if found == ["ok"] else [f"{path}: {' '.join(line.split())}" for line in found]


def broken(path: Path) -> list[tuple[int, str]]:
    """Return (seq, IRI or "") of each version of a journal that cannot be read or whose content is not what its hash says."""
    with closing(sqlite3.connect(address(path), uri=True)) as db:
        known = _known(db)
        sound = {version.seq for version in _versions(db, max(known, default=0))}
        return [(seq, iri) for seq, iri in sorted(known.items()) if seq not in sound]


def untrue(home: Path, number: int) -> Iterator[str]:
    """Yield each record of which serving.sqlite says other than the journal does, as this publisher reads it, for a release."""
    names = [f"select * from {table} where owner = :owner and first <= :release and last > :release" for table in DERIVED]
    with closing(Reader(home, number)) as reader:
        for found in reader.owners(deleted=True):
            version = Version(*reader.db.execute(f"select {COLUMNS} from j.version where seq = ?", (found.seq,)).fetchone())
            made = rows(version, orjson.loads(version.json))
            held = [reader.db.execute(name, {"owner": found.iri, "release": number}) for name in names]
            for told, right in zip(held, (made.entries, made.links, made.urls), strict=True):
                if sorted(row[:-2] for row in told) != sorted(map(tuple, right)):
                    yield f"{home / 'serving.sqlite'}: what it says of {found.iri} is not what the journal says"
                    break


def is_sound(version: Version) -> bool:
    """Return whether a version's content is what its hash says, and its own; erased ones have no hash."""
    try:
        obj = orjson.loads(version.json)
        return bool(obj["id"] == version.iri and (not version.hash or content_hash(obj) == version.hash))
    except (ValueError, KeyError, TypeError):
        return False


def salvage(path: Path, base: str, top: int) -> Saved:
    """Put a new journal with all that is whole in the place of a damaged one, which is kept beside it as *.damaged.

    base: the instance's, should that be lost; top: the highest seq known to have been given, so that none is given twice. The next
    harvest of each source asks for everything. Raises Malformed if the disk does not hold the new file.
    """
    new, aside = path.with_name(f"{path.name}.saved"), path.with_name(f"{path.name}.damaged")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(new, isolation_level=None)) as db:
        with suppress(sqlite3.Error):
            old.execute("pragma wal_checkpoint(truncate)")
        raised(db, new, TABLES, SCHEMA_VERSION)
        known, damaged = _known(old), damage(path)
        top = max([top, *known])
        db.execute("begin")
        kept = set()
        for version in _versions(old, top):
            db.execute(INSERT, version)
            kept.add(version.seq)
        for table in ("instance", "source", "run"):
            _carry(old, db, table)
        erased = {
            row[0].partition(" ")[2] for row in db.execute("select key from instance where key like 'forgotten %' or key like 'expired %'")
        }
        for version in _unled(path) if damaged else ():
            if version.seq not in kept and (not version.hash or version.iri not in erased):
                db.execute(INSERT, version)
                kept.add(version.seq)
        top = max([top, *kept])
        db.execute("insert or ignore into instance values ('base', ?)", (base,))
        db.execute("insert or replace into instance values ('top', ?)", (str(top),))
        db.execute("update run set state = json_remove(cast(state as text), '$.stamps') where json_valid(cast(state as text))")
        db.execute("commit")
    _in_place(new, path, aside)
    lost = {**dict.fromkeys(range(1, top + 1), ""), **known}
    return Saved(len(kept), [(seq, iri) for seq, iri in sorted(lost.items()) if seq not in kept], aside)


INSERT = f"insert into version ({COLUMNS}) values ({', '.join('?' * len(Version._fields))})"


def _in_place(new: Path, path: Path, aside: Path) -> None:
    """Rename the new file to its place; the old one's log goes first, lest SQLite apply it to the new one."""
    with new.open("rb") as file:
        os.fsync(file.fileno())
    aside.unlink(missing_ok=True)
    if path.exists():
        os.link(path, aside)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    new.replace(path)


def _known(db: sqlite3.Connection) -> dict[int, str]:
    """Return seq -> IRI of every version that the index by IRI, or else the table, still names."""
    for sql in ("select seq, iri from version indexed by version_iri", "select seq, iri from version not indexed"):
        found = {}
        with suppress(sqlite3.Error):
            for seq, iri in db.execute(sql):
                found[seq] = iri if isinstance(iri, str) else ""
            return found
    return found


def _versions(db: sqlite3.Connection, top: int) -> Iterator[Version]:
    """Yield every sound version up to a seq, in order."""
    spans = [(low, min(low + SPAN - 1, top)) for low in range(1, top + 1, SPAN)][::-1]
    sql = f"select {COLUMNS} from version not indexed where seq between ? and ? order by seq"
    while spans:
        low, high = spans.pop()
        try:
            yield from filter(is_sound, [Version(*row) for row in db.execute(sql, (low, high)).fetchall()])
        except (sqlite3.Error, UnicodeDecodeError):
            middle = (low + high) // 2
            spans += [(middle + 1, high), (low, middle)] if low < high else []


def _unled(path: Path) -> Iterator[Version]:
    """Yield every sound version, also on pages to which nothing leads any more."""
    for seq, values in leaves.rows(path, len(Version._fields)):
        version = Version(seq, *values[1:])  # type: ignore[arg-type]
        if is_sound(version) and all(isinstance(value, str) for value in (*version[1:8], version.hash)):
            yield version


def _carry(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    """Copy the rows of a small table as far as they can be read."""
    with suppress(sqlite3.Error, UnicodeDecodeError):
        for row in old.execute(f"select * from {table}"):
            new.execute(f"insert or ignore into {table} values ({', '.join('?' * len(row))})", row)


def without(serving: Serving, seqs: list[int]) -> None:
    """Take versions that are lost out of what the releases serve."""
    serving.begin()
    for seq in seqs:
        for owner, first in serving.db.execute("select owner, first from entry where seq = ? and iri = owner", (seq,)).fetchall():
            for table in DERIVED:
                serving.db.execute(f"delete from {table} where owner = ? and first = ?", (owner, first))
    serving.commit()


def renewed(path: Path, number: int, seq: int, made: str) -> bool:
    """Put an empty serving.sqlite in the place of a damaged one; return whether it still knows which versions were never published.

    Then it knows the release in service too; else the next build counts only the newest version of each record as published.
    """
    held: list[Any] = []
    whole = False
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as old:
        held, whole = old.execute("select seq, release, reason from rejected").fetchall(), True
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    with Serving(path) as serving:
        if whole:
            serving.begin()
            serving.db.executemany("insert into rejected values (?, ?, ?)", held)
            serving.finish(number, seq, made)
    return whole


def seqs(path: Path) -> int:
    """Return the highest seq that serving.sqlite says a release holds, 0 if it cannot tell."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(address(path), uri=True)) as db:
        return int(db.execute("select coalesce(max(seq), 0) from release").fetchone()[0])
    return 0
