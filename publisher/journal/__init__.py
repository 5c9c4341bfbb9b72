"""The journal: every accepted version of every record, append-only, in one SQLite file that many read and one writes."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

from publisher.errors import Busy, Malformed

SCHEMA_VERSION = 2  # 1 wrote its number among the settings
TABLES = """
create table if not exists instance (key text primary key, value text not null) without rowid;
create table if not exists source (name text primary key, json blob not null) without rowid;
create table if not exists version (
  seq integer primary key, iri text not null, type text not null, source text not null, source_url text not null,
  body text not null, modified text not null, recorded text not null, deleted integer not null, hash text not null, json blob not null);
create index if not exists version_iri on version (iri, seq);
create index if not exists version_member on version (source) where type in ('Person', 'Membership');
create table if not exists run (
  id integer primary key, source text not null, started text not null, finished text,
  whole integer not null default 0,
  counts blob not null default '{}', notes blob not null default '{}',
  refusals blob not null default '[]', state blob not null default '{}');
"""


class Version(NamedTuple):
    """One version of one record. `recorded` is when we read it (RFC 3339, UTC); `modified` is what the source says."""

    seq: int
    iri: str
    type: str
    source: str
    source_url: str
    body: str
    modified: str
    recorded: str
    deleted: bool
    hash: str
    json: bytes


class Head(NamedTuple):
    """What the journal's newest version of an IRI is, without its content."""

    seq: int
    hash: str
    deleted: bool
    source: str


class Run(NamedTuple):
    """One harvest of one source. whole: every list was read to its end. counts: class -> seen, new, changed, ..."""

    id: int
    source: str
    started: str
    finished: str | None
    whole: bool
    counts: dict[str, dict[str, int]]
    notes: dict[str, Any]
    refusals: list[dict[str, str]]
    state: dict[str, Any]


def connected(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Return a connection that survives a power cut (WAL, full sync) or, read-only, sees whatever was committed.

    Raises Malformed if the file is no database of ours, Busy if another process holds it for too long.
    """
    try:
        if not writable:
            db = sqlite3.connect(address(path), uri=True, check_same_thread=False)
            db.execute("pragma mmap_size = 2147418112")  # what readers share, however many they are: the system's own copy of the pages
            return db
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
    except sqlite3.OperationalError as error:
        raise Busy(f"{path}: cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Malformed(str(path), f"expected a SQLite database of ours: {error}; publisher check --repair keeps what is whole") from error
    return db


def address(path: Path) -> str:
    """Return the address under which SQLite only reads a file; on a disk that is read-only nobody else writes it, and it needs no log."""
    still = os.statvfs(path.parent).f_flag & os.ST_RDONLY and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def raised(db: sqlite3.Connection, path: Path, tables: str, version: int) -> None:
    """Bring a database of an older version to this one, in one transaction. Raises Malformed for one that a newer publisher wrote.

    tables: what makes an empty database and, being idempotent, adds to an older one what it lacks.
    """
    found = int(db.execute("pragma user_version").fetchone()[0])
    if found > version:
        raise Malformed(str(path), f"schema {found}: expected {version} or older; install the newer publisher again, or restore the backup")
    db.executescript(f"begin; {tables} {f'pragma user_version = {version};' if found < version else ''} commit")


class Journal:
    """The writing side: append versions inside a transaction that `commit` ends; nothing is ever changed or removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = connected(path, writable=True)
        try:
            raised(self.db, path, TABLES, SCHEMA_VERSION)
        except sqlite3.Error as error:
            self.db.close()
            told(path, error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        self.close()
        told(self.path, error)

    def close(self) -> None:
        if self.db.in_transaction:
            self.db.rollback()
        self.db.close()

    def setting(self, key: str) -> str | None:
        row = self.db.execute("select value from instance where key = ?", (key,)).fetchone()
        return row and str(row[0])

    def set(self, key: str, value: str | None) -> None:
        """Keep a setting; None removes it."""
        if value is None:
            self.db.execute("delete from instance where key = ?", (key,))
        else:
            self.db.execute("insert or replace into instance values (?, ?)", (key, value))

    def settings(self, prefix: str) -> dict[str, str]:
        """Return the settings whose keys begin with `prefix`, by key."""
        return dict(self.db.execute("select key, value from instance where substr(key, 1, ?) = ? order by key", (len(prefix), prefix)))

    def register(self, name: str, description: dict[str, Any]) -> None:
        """Keep a source's description; its frozen fields were checked by the caller."""
        self.db.execute("insert or replace into source values (?, ?)", (name, orjson.dumps(description)))

    def sources(self) -> dict[str, dict[str, Any]]:
        """Return name -> description of every source harvested so far, by name."""
        return {name: orjson.loads(json) for name, json in self.db.execute("select name, json from source order by name")}

    def begin(self) -> None:
        if not self.db.in_transaction:
            self.db.execute("begin immediate")

    def commit(self) -> None:
        if self.db.in_transaction:
            self.db.execute("commit")

    def head(self, iri: str) -> Head | None:
        row = self.db.execute("select seq, hash, deleted, source from version where iri = ? order by seq desc limit 1", (iri,)).fetchone()
        return row and Head(row[0], row[1], bool(row[2]), row[3])

    def newest(self, iris: Sequence[str]) -> dict[str, Head]:
        """Return the heads of those of the IRIs that the journal has."""
        asked = (
            "select iri, max(seq), hash, deleted, source from version "
            "where iri in (select value from json_each(?)) group by iri"
        )  # with max(), SQLite takes the other columns from the same row
        rows = self.db.execute(asked, (orjson.dumps(iris).decode(),))
        return {iri: Head(seq, hash_, bool(deleted), source) for iri, seq, hash_, deleted, source in rows}

    def latest(self, iri: str) -> Version | None:
        row = self.db.execute(f"select {COLUMNS} from version where iri = ? order by seq desc limit 1", (iri,)).fetchone()
        return row and _version(row)

    def at(self, seq: int) -> Version:
        """Return the version with this seq."""
        return _version(self.db.execute(f"select {COLUMNS} from version where seq = ?", (seq,)).fetchone())

    def versions(self, iri: str) -> list[Version]:
        """Return all versions of a record, oldest first."""
        return [_version(row) for row in self.db.execute(f"select {COLUMNS} from version where iri = ? order by seq", (iri,))]

    def erase(self, iri: str, json: bytes) -> None:
        """Overwrite the content of every version of a record: the one exception to "append only", for what must be forgotten.

        Erased versions have no hash; that is how readers know them.
        """
        self.begin()
        self.db.execute("update version set json = ?, hash = '', source_url = '' where iri = ?", (json, iri))

    def mentions(self, iri: str) -> Iterator[tuple[str, bytes]]:
        """Yield (IRI, json) of every version of another record in whose text `iri` stands; reads all of the journal."""
        yield from self.db.execute("select iri, json from version where iri != ? and instr(json, cast(? as blob)) order by seq", (iri, iri))

    def vacuum(self) -> None:
        """Rewrite the file so that what was erased is not left on its free pages or in its log."""
        self.db.execute("vacuum")
        self.db.execute("pragma wal_checkpoint(truncate)")

    def append(self, version: Version) -> int:
        """Append a version (its seq is given here) and return its seq."""
        self.begin()
        return int(self.db.execute(INSERT, version[1:]).lastrowid or 0)

    def extend(self, versions: Sequence[Version]) -> None:
        """Append versions, in their order."""
        if versions:
            self.begin()
            self.db.executemany(INSERT, (version[1:] for version in versions))

    def last_seq(self) -> int:
        return int(self.db.execute("select coalesce(max(seq), 0) from version").fetchone()[0])

    def heads(self, after: int = 0, upto: int | None = None) -> Iterator[Version]:
        """Yield the newest version of each IRI that changed after `after`, in order of seq."""
        top = self.last_seq() if upto is None else upto
        newest = (
            f"select {COLUMNS} from version v where seq > ? and seq <= ? and not exists "
            "(select 1 from version w where w.iri = v.iri and w.seq > v.seq and w.seq <= ?) order by seq"
        )
        yield from map(_version, self.db.execute(newest, (after, top, top)))

    def superseded(self, after: int, upto: int) -> Iterator[int]:
        """Yield the seqs in (after, upto] that a newer version in the same span replaced before any release held them.

        Not those of a mirror: its first publisher's releases held them.
        """
        older = (
            "select seq from version v where seq > ? and seq <= ? "
            "and exists (select 1 from version w where w.iri = v.iri and w.seq > v.seq and w.seq <= ?) "
            "and not exists (select 1 from source s where s.name = v.source and json_extract(cast(s.json as text), '$.kind') = 'ldes')"
        )
        yield from (row[0] for row in self.db.execute(older, (after, upto, upto)))

    def live(self, source: str) -> Iterator[tuple[str, str, int]]:
        """Yield (IRI, type, seq) of each record whose newest version is this source's and not deleted, by IRI."""
        newest = "select iri, type, max(seq), deleted, source from version group by iri order by iri"
        yield from ((iri, kind, seq) for iri, kind, seq, deleted, owner in self.db.execute(newest) if owner == source and not deleted)

    def members(self, source: str) -> Iterator[Version]:
        """Yield the newest version of each Person and Membership whose newest version is this source's, by IRI."""
        newest = (
            f"select {COLUMNS} from version v where source = ? and type in ('Person', 'Membership') "
            "and not exists (select 1 from version w where w.iri = v.iri and w.seq > v.seq) order by iri"
        )
        yield from map(_version, self.db.execute(newest, (source,)))

    def start(self, source: str, at: str) -> int:
        """Note that a harvest began and return its run id."""
        return int(self.db.execute("insert into run (source, started) values (?, ?)", (source, at)).lastrowid or 0)

    def finish(self, run: Run) -> None:
        """Note how a harvest ended."""
        dump = (orjson.dumps(part) for part in (run.counts, run.notes, run.refusals, run.state))
        statement = "update run set finished = ?, whole = ?, counts = ?, notes = ?, refusals = ?, state = ? where id = ?"
        self.db.execute(statement, (run.finished, int(run.whole), *dump, run.id))

    def runs(self, source: str = "", limit: int = 1) -> list[Run]:
        """Return the newest runs (of one source), newest first."""
        return runs(self.db, source, limit)


def told(path: Path, error: object) -> None:
    """Say in our words what SQLite met, a full disk above all; what was committed stays. Raises Busy, or Malformed for a damaged file."""
    if type(error) is sqlite3.DatabaseError:  # its own class is what SQLite has for "malformed" and "not a database"
        raise Malformed(str(path), f"expected a sound database: {error}; publisher check --repair keeps what is whole") from error
    if isinstance(error, sqlite3.Error):
        raise Busy(f"{path}: {error}; what was written before stays, and the same command goes on when that is mended") from error


# A seq is never given twice, not even where the newest versions were lost with a damaged file (salvage notes the top).
NEXT = (
    "select 1 + max((select coalesce(max(seq), 0) from version), "
    "coalesce((select cast(value as integer) from instance where key = 'top'), 0))"
)
COLUMNS = "seq, iri, type, source, source_url, body, modified, recorded, deleted, hash, json"
INSERT = f"insert into version ({COLUMNS}) values (({NEXT}), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _version(row: Iterable[Any]) -> Version:
    version = Version(*row)
    return version._replace(deleted=bool(version.deleted))


def runs(db: sqlite3.Connection, source: str = "", limit: int = 1) -> list[Run]:
    where = "where source = ?" if source else "where ? = ''"
    names = "id, source, started, finished, whole, counts, notes, refusals, state"
    rows = db.execute(f"select {names} from run {where} order by id desc limit ?", (source, limit))
    return [Run._make((*row[:4], bool(row[4]), *(orjson.loads(part) for part in row[5:]))) for row in rows]
