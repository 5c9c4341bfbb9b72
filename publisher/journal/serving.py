"""Which version of which record each release serves, and how records refer to each other: derived, rebuildable, indexed."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import orjson

from publisher.journal import COLUMNS, Version, connected, raised, told
from publisher.journal.rows import Rows, rows

SCHEMA_VERSION = 2  # before, it had no number
OPEN = 1 << 60  # a row that no later release has closed
TABLES = """
create table if not exists release (number integer primary key, seq integer not null, made text not null);
create table if not exists entry (
  iri text not null, owner text not null, type text not null, body text not null,
  source text not null, seq integer not null, created text not null,
  modified text not null, day text not null, reference text not null,
  deleted integer not null, first integer not null, last integer not null);
create index if not exists entry_iri on entry (iri, last);
create index if not exists entry_owner on entry (owner, last);
create index if not exists entry_record on entry (body, iri, last, deleted) where iri = owner;
create index if not exists entry_list on entry (type, created, iri);
create index if not exists entry_body on entry (body, type, created, iri);
drop index if exists entry_modified;
create index if not exists entry_created_at on entry (body, type, julianday(created), iri);
create index if not exists entry_modified_at on entry (body, type, julianday(modified), iri);
create index if not exists entry_day on entry (type, day);
create index if not exists entry_reference on entry (reference) where reference != '';
create table if not exists link (
  target text not null, key text not null, iri text not null, type text not null, owner text not null,
  first integer not null, last integer not null);
drop index if exists link_target;
create index if not exists link_list on link (target, type, key, iri);
create index if not exists link_owner on link (owner, last);
create table if not exists known (url text not null, iri text not null, owner text not null, first integer not null, last integer not null);
create index if not exists known_url on known (url);
create index if not exists known_owner on known (owner, last);
create index if not exists entry_closed on entry (last) where last < 1152921504606846976;
create index if not exists link_closed on link (last) where last < 1152921504606846976;
create index if not exists known_closed on known (last) where last < 1152921504606846976;
create table if not exists rejected (seq integer primary key, release integer not null, reason text not null);
create table if not exists related (focus text not null, result blob not null);
create index if not exists related_focus on related (focus);
create table if not exists judged (owner text primary key, results blob not null) without rowid;
"""
DERIVED = ("entry", "link", "known")
# What the first build makes once its rows are there: row by row, a country's index is written at random places of gigabytes. The
# one that tells whether a record was written already is needed meanwhile.
INDEXES = {
    made.split()[5]: made for made in map(str.strip, TABLES.split(";")) if made.startswith("create index") and " entry_owner " not in made
}
# The first instances did not keep an entry's source; the next build fills it, since it makes everything anew.
WITHOUT_SOURCE = f"""
alter table entry rename to older; {TABLES}
insert into entry select iri, owner, type, body, '', seq, created, modified, day, reference, deleted, first, last from older;
drop table older;
"""


Foci = dict[str, list[str]]
"""Class -> IRIs of records and parts."""


class Open:
    """What is open as now written: the rows of the release being built, which is the newest."""

    db: sqlite3.Connection

    def source(self, iri: str) -> str:
        """Return the source of a record or part, "" for what is not ours."""
        row = self.db.execute(
            "select source from entry where iri = ? and last = ? order by owner != iri, owner limit 1", (iri, OPEN)
        ).fetchone()
        return str(row[0]) if row else ""

    def holder(self, iri: str) -> tuple[str, int] | None:
        """Return (owner, seq) of a record or part as now written."""
        sql = "select owner, seq from entry where iri = ? and last = ? order by owner != iri, owner limit 1"
        row = self.db.execute(sql, (iri, OPEN)).fetchone()
        return row and (str(row[0]), int(row[1]))

    def held_elsewhere(self, owner: str) -> list[str]:
        """Return the parts of a record that an earlier record describes as well: a room in which many meetings meet."""
        return [row[0] for row in self.db.execute(HELD, {"owner": owner, "open": OPEN})]


class Written(Open):
    """The same for a process beside the build: sees what that has committed."""

    def __init__(self, home: Path) -> None:
        self.db = connected(home / "serving.sqlite", writable=False)
        self._journal = connected(home / "journal.sqlite", writable=False)

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield (IRI, modified) of every live record, by IRI."""
        yield from self.db.execute(f"select iri, modified from entry where iri = owner and last = {OPEN} and deleted = 0 order by iri")

    def json(self, seq: int) -> bytes:
        """Return the object of a version."""
        return bytes(self._journal.execute("select json from version where seq = ?", (seq,)).fetchone()[0])

    def version(self, seq: int) -> Version:
        """Return a version of the journal."""
        found = Version(*self._journal.execute(f"select {COLUMNS} from version where seq = ?", (seq,)).fetchone())
        return found._replace(deleted=bool(found.deleted))

    def newest(self, after: int, upto: int) -> Iterator[tuple[int, str, str]]:
        """Yield (seq, IRI, source) of the newest version of each record that changed in (after, upto], in order."""
        newer = "select 1 from version w where w.iri = v.iri and w.seq > v.seq and w.seq <= :upto"
        sql = f"select seq, iri, source from version v where seq > :after and seq <= :upto and not exists ({newer}) order by seq"
        yield from self._journal.execute(sql, {"after": after, "upto": upto})

    def older(self, versions: Iterable[tuple[str, int]]) -> list[int]:
        """Return the version before each of these (IRI, seq), where there is one that is newer than what is served."""
        sql = "select seq, hash from version where iri = ? and seq < ? order by seq desc limit 1"
        found = []
        for iri, seq in versions:
            before, held = self._journal.execute(sql, (iri, seq)).fetchone(), self.holder(iri)
            if before and before[1] and before[0] > (held[1] if held and held[0] == iri else 0):
                found.append(int(before[0]))
        return found

    def close(self) -> None:
        self.db.close()
        self._journal.close()


class Serving(Open):
    """The writing side, used by the build alone. A release's rows become visible by the switch of the release pointer."""

    def __init__(self, path: Path) -> None:
        self.path, self.db = path, connected(path, writable=True)
        self.db.execute("pragma cache_size = -200000")  # in kB: a country's indexes are written at random places
        columns = [row[1] for row in self.db.execute("pragma table_info(entry)")]
        raised(self.db, path, (WITHOUT_SOURCE if columns and "source" not in columns else "") + TABLES, SCHEMA_VERSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if self.db.in_transaction:
            self.db.rollback()
        self.db.close()
        told(self.path, error)

    def return_to(self, number: int) -> int:
        """Forget what releases after `number` wrote (a build that was killed, or rolled back) and return the seq it served."""
        self.db.execute("begin immediate")
        if self.db.execute("select 1 from release where number > ?", (number,)).fetchone():
            for table in DERIVED:
                self.db.execute(f"delete from {table} where first > ?", (number,))
                self.db.execute(f"update {table} set last = ? where last > ? and last < {OPEN}", (OPEN, number))
        self.db.execute("delete from rejected where release > ?", (number,))
        self.db.execute("delete from release where number > ?", (number,))
        self.db.execute("commit")
        row = self.db.execute("select seq from release where number = ?", (number,)).fetchone()
        return int(row[0]) if row else 0

    def begin(self, *, filling: bool = False) -> None:
        """Begin a transaction. filling: until `finish` do without the indexes that only an empty file can do without."""
        self.db.execute("begin immediate")
        if filling and not self.db.execute("select 1 from entry limit 1").fetchone():
            for name in INDEXES:
                self.db.execute(f"drop index {name}")

    def put(self, number: int, version: Version, obj: dict[str, Any]) -> None:
        """Let release `number` and all after it serve this version of its record."""
        self.write(number, rows(version, obj))

    def write(self, number: int, made: Rows) -> None:
        """Like `put`, for rows that were made elsewhere."""
        self.close(number, made.owner)
        self.db.execute("delete from rejected where seq = ?", (made.seq,))
        span = (number, OPEN)
        self.db.executemany("insert into entry values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ((*row, *span) for row in made.entries))
        self.db.executemany("insert into link values (?, ?, ?, ?, ?, ?, ?)", ((*row, *span) for row in made.links))
        self.db.executemany("insert into known values (?, ?, ?, ?, ?)", ((*row, *span) for row in made.urls))

    def close(self, number: int, iri: str) -> None:
        """Let no release from `number` on serve the record."""
        if not self.db.execute("select 1 from entry where owner = ? and last = ? limit 1", (iri, OPEN)).fetchone():
            return
        for table in DERIVED:
            self.db.execute(f"update {table} set last = ? where owner = ? and last = ?", (number, iri, OPEN))
            self.db.execute(f"delete from {table} where owner = ? and first = last", (iri,))

    def reject(self, number: int, seq: int, reason: str) -> None:
        """Keep a version out: the previous one stays in service."""
        kept = "insert into rejected values (?, ?, ?) on conflict (seq) do update set reason = excluded.reason"
        self.db.execute(kept, (seq, number, reason))

    def judged(self, owner: str, results: list[Any]) -> None:
        """Keep what the shapes found in a record, in place of what they found before."""
        if results:
            self.db.execute("insert or replace into judged values (?, ?)", (owner, orjson.dumps(results)))
        else:
            self.db.execute("delete from judged where owner = ?", (owner,))

    def judgements(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield (source, results) of every record in which the shapes found something, by IRI.

        What was found in a part that an earlier record describes as well is told there.
        """
        for owner, found in self.db.execute("select owner, results from judged order by owner"):
            held = set(self.held_elsewhere(owner))
            yield self.source(owner), [result for result in orjson.loads(found) if result["focus"] not in held]

    def relate(self, foci: Foci | None, results: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Keep what the rules across records found, as (focus, result), in place of what they found before at these foci; None: at all."""
        if foci is None:
            self.db.execute("delete from related")
        else:
            self.db.executemany("delete from related where focus = ?", ((focus,) for several in foci.values() for focus in several))
        self.db.executemany("insert into related values (?, ?)", ((focus, orjson.dumps(result)) for focus, result in results))

    def relations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (source, record, result) of what the rules across records found, by focus; a focus that is not ours is its own record."""
        for focus, source, owner, found in self.db.execute(RELATIONS, {"open": OPEN}):
            yield source or "", owner or focus, orjson.loads(found)

    def subjects(self, number: int, owners: Iterable[str]) -> Foci:
        """Return records and parts of the owners by class, those included that release `number` no longer has."""
        found: dict[str, set[str]] = {}
        for owner in owners:
            for iri, cls in self.db.execute("select iri, type from entry where owner = ? and last in (?, ?)", (owner, OPEN, number)):
                found.setdefault(cls, set()).add(iri)
        return {cls: sorted(iris) for cls, iris in sorted(found.items())}

    def seqs(self, number: int, iri: str) -> tuple[int, int]:
        """Return the versions of a record that the release before `number` served, and that this one serves; 0 for none."""
        sql = "select max(seq) from entry where owner = ? and iri = owner and last = ?"
        before, now = (self.db.execute(sql, (iri, last)).fetchone()[0] or 0 for last in (number, OPEN))
        return before, now

    def namesakes(self, number: int, owners: Iterable[str]) -> set[str]:
        """Return the owners whose number stands, or until now stood, on one of the given ones in the same body."""
        return {row[0] for owner in owners for row in self.db.execute(NAMESAKES, {"owner": owner, "open": OPEN, "number": number})}

    def checked(self) -> list[tuple[str, str, int]]:
        """Return (source, class, how many live objects), embedded ones included."""
        sql = (
            "select source, type, count(distinct iri) from entry where last = ? and deleted = 0 group by source, type order by source, type"
        )
        return self.db.execute(sql, (OPEN,)).fetchall()

    def live(self) -> int:
        """Return how many records are served and not deleted, as now written."""
        return int(self.db.execute("select count(*) from entry where last = ? and iri = owner and deleted = 0", (OPEN,)).fetchone()[0])

    def everyone(self) -> list[str]:
        """Return every record as now written, tombstones too, by IRI."""
        return [row[0] for row in self.db.execute("select iri from entry where last = ? and iri = owner order by iri", (OPEN,))]

    def touched(self, number: int, owners: Iterable[str]) -> set[str]:
        """Return the owners that refer to, or are referred to by, the given ones or their parts, now or until release `number`.

        And those that share a part with them which one of them describes, or did until now, for all.
        """
        found: set[str] = set()
        for owner in owners:
            found.update(row[0] for row in self.db.execute(TOUCHED, {"owner": owner, "open": OPEN, "number": number}))
            found.update(row[0] for row in self.db.execute(SHARING, {"owner": owner, "open": OPEN, "number": number}))
        return found

    def dependent(self, number: int, owners: Iterable[str]) -> set[str]:
        """Return the owners whose derived layer looks into the given ones or their parts, now or until release `number`."""
        found: set[str] = set()
        for owner in owners:
            for query in (DEPENDENT, SHARING):
                found.update(row[0] for row in self.db.execute(query, {"owner": owner, "open": OPEN, "number": number}))
        return found

    def finish(self, number: int, seq: int, made: str) -> None:
        """Commit what release `number` serves, which others can then read; until the switch nobody is told to."""
        for index in INDEXES.values():
            self.db.execute(index)
        self.db.execute("insert or replace into release values (?, ?, ?)", (number, seq, made))
        self.commit()

    def commit(self) -> None:
        self.db.execute("commit")

    def records(self, body: str, start: str = "", end: str = "") -> Iterator[tuple[str, bool]]:
        """Yield (IRI, deleted) of each record of a body from `start` on and before `end` ("" for no bound), by IRI."""
        where = "iri = owner and body = ? and iri >= ?" + (" and iri < ?" if end else "")
        found = self.db.execute(
            f"select iri, deleted from entry where {where} and last = {OPEN} order by iri", (body, start, *([end] if end else []))
        )
        yield from ((iri, bool(deleted)) for iri, deleted in found)

    def bodies(self) -> list[str]:
        """Return every value of `body` among the records, "" included."""
        return [row[0] for row in self.db.execute("select distinct body from entry where iri = owner order by body")]

    def places(self, number: int, owners: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Return body -> record -> whether it is there and live, of those among `owners` that stand there or stood there until `number`."""
        found: dict[str, dict[str, bool]] = {}
        sql = f"select body, max(last = {OPEN} and deleted = 0) from entry where owner = ? and iri = owner and last in (?, ?) group by body"
        for owner in owners:
            for body, live in self.db.execute(sql, (owner, OPEN, number)):
                found.setdefault(body, {})[owner] = bool(live)
        return found

    def rejected(self, number: int, after: int = 0) -> list[tuple[int, str]]:
        """Return (seq, reason) of versions after a seq kept out up to release `number`, oldest first; some may have been replaced since."""
        sql = "select seq, reason from rejected where seq > ? and release <= ? order by seq"
        return [(seq, reason) for seq, reason in self.db.execute(sql, (after, number))]

    def releases(self) -> list[tuple[int, int, str]]:
        """Return (number, seq, made) of the releases that can be read."""
        return self.db.execute("select number, seq, made from release order by number").fetchall()

    def vacuum(self) -> None:
        """Rewrite the file so that what it forgot is not left on its free pages or in its log."""
        self.db.execute("vacuum")
        self.db.execute("pragma wal_checkpoint(truncate)")

    def prune(self, oldest: int) -> None:
        """Forget rows that no release from `oldest` on can serve."""
        for table in DERIVED:
            self.db.execute(f"delete from {table} where last <= ? and last < {OPEN}", (oldest,))
        self.db.execute("delete from release where number < ?", (oldest,))


HOLDS = "from entry where iri = r.focus and last = :open order by owner != iri, owner limit 1"
RELATIONS = f"select focus, (select source {HOLDS}), (select owner {HOLDS}), result from related r order by focus, result"
TOUCHED = """
select distinct l.owner from entry e join link l on l.target = e.iri and l.last = :open
where e.owner = :owner and e.last in (:open, :number)
union select distinct e.owner from link l join entry e on e.iri = l.target and e.last = :open
where l.owner = :owner and l.last in (:open, :number)
"""

# The keys along which graph/eli.py looks things up (needs).
DEPENDENT = """
select distinct l.owner from entry e join link l on l.target = e.iri and l.last = :open
where e.owner = :owner and e.last in (:open, :number) and l.key in ('body', 'system', 'agendaItem', 'meeting', 'paper')
"""
NAMESAKES = """
select distinct o.owner from entry m join entry o on o.reference = m.reference and o.body = m.body and o.last = :open
where m.owner = :owner and m.last in (:open, :number) and m.reference != '' and o.reference != ''
"""
# The first owner of a part describes it for all: the record that is that thing itself, else the first by IRI.
HELD = """
select e.iri from entry e where e.owner = :owner and e.last = :open and e.iri != e.owner and exists (
  select 1 from entry o where o.iri = e.iri and o.last = :open and (o.owner < e.owner or o.owner = o.iri))
"""
SHARING = """
select distinct o.owner from entry m join entry o on o.iri = m.iri and o.last = :open and o.owner != m.owner
where m.owner = :owner and m.iri != m.owner and m.last in (:open, :number)
  and (select count(*) from entry s where s.iri = m.iri and s.last = :open and s.owner < :owner) < 2
"""
