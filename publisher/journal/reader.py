"""The reading side of the journal as of one release: documents, lists, references, versions, events, each an index look-up."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.errors import Malformed
from publisher.journal import address, connected, runs
from publisher.record import parts
from publisher.release import Release


class Found(NamedTuple):
    """A record (owner == iri) or an object embedded in one, as of a release. `json` is OParl without @context."""

    iri: str
    type: str
    owner: str
    seq: int
    created: str
    modified: str
    deleted: bool
    hash: str
    source: str
    source_url: str
    recorded: str
    body: str
    json: bytes


class Shown(NamedTuple):
    """One version of a record that was published; `current` if the release serves it."""

    seq: int
    iri: str
    type: str
    recorded: str
    modified: str
    deleted: bool
    hash: str
    json: bytes
    current: bool


class Event(NamedTuple):
    """One step of the stream. kind: create | update | delete; erased: what the record was before is gone from the journal."""

    seq: int
    iri: str
    type: str
    kind: str
    body: str
    recorded: str
    modified: str
    hash: str
    json: bytes
    erased: bool


ENTRY = "e.iri, e.type, e.owner, e.seq, e.created, e.modified, e.deleted"
JOINED = "v.hash, v.source, v.source_url, v.recorded, v.body, v.json"
NOW = "e.first <= :release and e.last > :release"
# One row an IRI: a record's own row first, else the first owner that embeds it.
ONE = "min((e.owner != e.iri) || e.owner)"


class Reader:
    """Opened read-only; sees exactly release `release`, whatever is harvested or built meanwhile. One per thread."""

    def __init__(self, home: Path, release: int) -> None:
        self.release = release
        self.db = connected(home / "serving.sqlite", writable=False)
        self.db.execute("attach ? as j", (address(home / "journal.sqlite"),))
        row = self.db.execute("select seq, made from release where number = ?", (release,)).fetchone()
        if row is None:
            raise Malformed(str(home), f"expected release {release} in serving.sqlite; run publisher build")
        self.seq, self.made = int(row[0]), str(row[1])
        self.base = _base(home, release) or self._setting("base")
        self.generation = int(self._setting("generation") or 1)

    def _setting(self, key: str) -> str:
        row = self.db.execute("select value from j.instance where key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Read several things of one page under one lock, not each under its own: half the price of a small look-up. Not to be nested."""
        self.db.execute("begin")
        try:
            yield
        finally:
            self.db.execute("commit")

    def get(self, iri: str) -> Found | None:
        """Return the record or embedded object at `iri`, tombstones included, or None."""
        row = self.db.execute(GET, {"iri": iri, "release": self.release}).fetchone()
        return _of_row(row) if row else None

    def many(self, iris: Iterable[str]) -> dict[str, Found]:
        """Return those of `iris` that exist."""
        found = ((iri, self.get(iri)) for iri in dict.fromkeys(iris))
        return {iri: one for iri, one in found if one}

    def page(
        self,
        type: str,
        *,
        body: str = "",
        after: tuple[str, str] = ("", ""),
        limit: int = 100,
        deleted: bool = False,
        **since: str,
    ) -> list[Found]:
        """Return one page of a class in a stable order, after the given key.

        since: created_since, created_until, modified_since, modified_until (RFC 3339, compared as instants).
        The order is (`ordered(since)`, IRI): that of an index, whichever filter is given.
        deleted: tombstones too, as OParl demands with modified_since.
        """
        time = f"julianday(e.{ordered(since)})" if since else "e.created"
        begin = f"{ordered(since)}_since" if after[1] else ""  # one lower bound, the later of two: an index takes no more
        within = {name: bound for name, bound in since.items() if name != begin}
        where = [f"e.type = :type and {NOW}", *_in_time(within), _first(body, deleted=deleted)]
        where += ["e.body = :body"] if body else []
        where += [] if deleted else ["e.deleted = 0"]
        if after[1]:
            stamp = "julianday(:stamp)" if since else ":stamp"
            bound = f"max({stamp}, julianday(:{begin}))" if begin in since else stamp
            where.append(f"{time} >= {bound} and ({time}, e.iri) > ({stamp}, :iri)")
        arguments = {"type": type, "body": body, "stamp": after[0], "iri": after[1], "limit": limit, **since}
        return list(self._found(f"where {' and '.join(where)} order by {time}, e.iri limit :limit", arguments, of="*"))

    def page_of(
        self, target: str, key: str, type: str, *, after: tuple[str, str] = ("", ""), limit: int = 100, deleted: bool = False, **since: str
    ) -> list[Found]:
        """Return one page of the live things of a class that refer to `target` by `key`, by IRI, after the IRI of the given key."""
        linked = "l.target = :target and l.type = :type and l.key = :key and l.first <= :release and l.last > :release and l.iri > :iri"
        where = [NOW, *_in_time(since), _first(deleted=deleted), *([] if deleted else ["e.deleted = 0"])]
        # A cross join goes through the left side in its order, so that the limit ends the walk; sorting here would read all of it.
        sql = f"select {ENTRY}, {JOINED} from (select distinct l.iri from link l where {linked} order by l.iri) n "
        sql += f"cross join entry e on e.iri = n.iri cross join j.version v on v.seq = e.seq where {' and '.join(where)} limit :limit"
        arguments = {"target": target, "type": type, "key": key, "iri": after[1], "limit": limit, "release": self.release, **since}
        return [_of_row(row) for row in self.db.execute(sql, arguments)]

    def count(self, type: str, body: str = "") -> int:
        """Return how many live things of a class there are (in one body)."""
        sql = f"select count(distinct e.iri) from entry e where e.type = :type and {NOW} and e.deleted = 0"
        row = self.db.execute(
            sql + (" and e.body = :body" if body else ""), {"type": type, "body": body, "release": self.release}
        ).fetchone()
        return int(row[0])

    def latest(self, type: str, limit: int = 10, body: str = "") -> list[Found]:
        """Return the newest of a class by its own date, then IRI; newest first."""
        where = f"where e.type = :type and {NOW} and e.deleted = 0 and {_first(body)}" + (" and +e.body = :body" if body else "")
        arguments = {"type": type, "body": body, "limit": limit}
        return list(self._found(f"{where} order by e.day desc, e.iri limit :limit", arguments, of="*"))

    def between(self, type: str, start: str, end: str, body: str = "") -> list[Found]:
        """Return those of a class whose day lies in [start, end), oldest first: "2021-06-01", "2021-07-01"."""
        where = f"where e.type = :type and {NOW} and e.deleted = 0 and e.day >= :start and e.day < :end and {_first(body)}"
        where += " and e.body = :body" if body else ""
        arguments = {"type": type, "body": body, "start": start, "end": end}
        return list(self._found(f"{where} order by e.day, e.iri", arguments, of="*"))

    def referring(self, iri: str, *, type: str = "", key: str = "", limit: int = 1000) -> list[Found]:
        """Return the records and parts that refer to `iri` (by a certain key, of a certain class), newest first."""
        where = "l.target = :iri and l.first <= :release and l.last > :release"
        where += (" and l.type = :type" if type else "") + (" and l.key = :key" if key else "")
        arguments = {"iri": iri, "type": type, "key": key, "limit": limit, "release": self.release}
        if self.db.execute(f"select 1 from link l where {where} limit 1", arguments).fetchone() is None:
            return []  # as mostly: many times cheaper than grouping and sorting nothing
        sql = f"where e.iri in (select l.iri from link l where {where}) and {NOW} group by e.iri order by e.day desc, e.iri limit :limit"
        return list(self._found(sql, arguments))

    def by_reference(self, jurisdiction: str, reference: str) -> list[Found]:
        """Return the papers of a jurisdiction that carry this number; numbers need not be unique."""
        head = f"{self.base}/eli/dl/{jurisdiction}/"
        found = self._found(
            f"where e.reference = :reference and e.reference != '' and {NOW} and e.deleted = 0 group by e.iri order by e.iri",
            {"reference": reference},
        )
        return [one for one in found if one.iri.startswith(head)]

    def lookup(self, url: str) -> list[str]:
        """Return our IRIs for an original's id or page."""
        sql = "select distinct iri from known where url = :url and first <= :release and last > :release order by iri"
        return [row[0] for row in self.db.execute(sql, {"url": url, "release": self.release})]

    def versions(self, iri: str) -> list[Shown]:
        """Return the published versions of a record, oldest first; empty for embedded objects. Forgotten ones have no hash."""
        kept = f"select {SHOWN} from j.version v where v.iri = ? and v.seq <= ? and v.seq not in (select seq from rejected) order by v.seq"
        rows = self.db.execute(kept, (iri, self.seq)).fetchall()
        return [Shown._make((*row[:5], bool(row[5]), *row[6:], row is rows[-1])) for row in rows]

    def events(self, after: int = 0, limit: int = 100) -> list[Event]:
        """Return the published changes with seq > `after`, in order."""
        return [Event._make((*row[:-1], bool(row[-1]))) for row in self.db.execute(EVENTS, (after, self.seq, limit))]

    def counts(self, body: str = "") -> dict[str, tuple[int, int]]:
        """Return class -> (live, tombstones), embedded objects included."""
        live, dead = (f"count(distinct case when deleted = {flag} then iri end)" for flag in (0, 1))
        sql = f"select type, {live}, {dead} from entry e where {NOW}"
        sql += (" and body = :body" if body else "") + " group by type order by type"
        return {row[0]: (row[1], row[2]) for row in self.db.execute(sql, {"release": self.release, "body": body})}

    def bodies(self) -> list[Found]:
        """Return the live Bodies by IRI."""
        return self.page("Body", limit=10_000)

    def sources(self) -> list[dict[str, Any]]:
        """Return each source's description with its newest run as "run"."""
        described = [orjson.loads(row[0]) for row in self.db.execute("select json from j.source order by name")]
        return [one | {"run": next((run._asdict() for run in self._runs(one["name"])), None)} for one in described]

    def owners(self, *, deleted: bool = False, body: str = "") -> Iterator[Found]:
        """Yield every live record (tombstones too, if asked for) by IRI, one at a time."""
        where = f"where e.owner = e.iri and {NOW}" + ("" if deleted else " and e.deleted = 0") + (" and e.body = :body" if body else "")
        yield from self._found(f"{where} group by e.iri order by e.iri", {"body": body})

    def held_elsewhere(self, owner: str) -> list[str]:
        """Return the parts of a record that an earlier record describes as well."""
        other = "select 1 from entry o where o.iri = e.iri and o.first <= :release and o.last > :release"
        mine = f"select e.iri from entry e where e.owner = :owner and {NOW} and e.iri != e.owner"
        sql = f"{mine} and exists ({other} and (o.owner < e.owner or o.owner = o.iri))"
        return [row[0] for row in self.db.execute(sql, {"owner": owner, "release": self.release})]

    def hashes(self, body: str) -> list[tuple[str, str]]:
        """Return (IRI, content hash) of a body's live records, by IRI."""
        sql = f"select e.iri, v.hash from entry e join j.version v on v.seq = e.seq where e.owner = e.iri and e.body = :body and {NOW} "
        rows = self.db.execute(sql + "and e.deleted = 0 order by e.iri", {"body": body, "release": self.release})
        return [(iri, digest) for iri, digest in rows]

    def checked(self) -> list[tuple[str, str, int]]:
        """Return (source, class, how many live objects), embedded ones included."""
        where = f"where {NOW} and e.deleted = 0 group by source, type order by source, type"
        return self.db.execute(f"select source, type, count(distinct iri) from entry e {where}", {"release": self.release}).fetchall()

    def span(self, body: str) -> dict[str, str]:
        """Return the first `start` and last `end` day of a body's papers and meetings, and when its records were `issued` and `modified`.

        Texts as the sources wrote them; "" where nothing is dated.
        """
        day = "case when type in ('Paper', 'Meeting') and day != '' then substr(day, 1, 10) end"
        stamps = "min(nullif(created, '')), max(nullif(modified, ''))"
        sql = f"select min({day}), max({day}), {stamps} from entry e where e.body = :body and e.owner = e.iri and e.deleted = 0 and {NOW}"
        row = self.db.execute(sql, {"body": body, "release": self.release}).fetchone()
        return dict(zip(("start", "end", "issued", "modified"), (value or "" for value in row), strict=True))

    def _runs(self, source: str) -> list[Any]:
        return runs(self.db, source)

    def _found(self, where: str, arguments: dict[str, Any], of: str = f"*, {ONE}") -> Iterator[Found]:
        order = where.partition("order by ")[2].partition(" limit")[0]
        sql = f"select {ENTRY}, {JOINED} from (select {of} from entry e {where}) e join j.version v on v.seq = e.seq"
        sql += f" order by {order}" if order else ""
        for row in self.db.execute(sql, {"release": self.release, **arguments}):
            yield _of_row(row)


# The same choice as ONE, without a table in between: every document begins with it.
GET = f"""
select {ENTRY}, {JOINED} from entry e join j.version v on v.seq = e.seq
where e.iri = :iri and {NOW} order by e.owner != e.iri, e.owner limit 1
"""
EVENTS = """
select v.seq, v.iri, v.type, case
    when v.deleted then 'delete'
    when exists (select 1 from j.version o where o.iri = v.iri and o.seq < v.seq and o.seq not in (select seq from rejected)) then 'update'
    else 'create' end, v.body, v.recorded, v.modified, v.hash, v.json,
    coalesce((select o.hash = '' from j.version o where o.iri = v.iri and o.seq < v.seq order by o.seq desc limit 1), 0)
from j.version v where v.seq > ? and v.seq <= ? and v.hash != '' and v.seq not in (select seq from rejected) order by v.seq limit ?
"""
SHOWN = "v.seq, v.iri, v.type, v.recorded, v.modified, v.deleted, v.hash, v.json"


def _first(body: str = "", *, deleted: bool = False) -> str:
    """Return the condition that of several copies of one part, which may differ in their dates too, only one is taken: as in ONE."""
    same = "o.first <= :release and o.last > :release" + (" and o.body = :body" if body else "") + ("" if deleted else " and o.deleted = 0")
    before = "(o.owner != o.iri, o.owner, o.rowid) < (e.owner != e.iri, e.owner, e.rowid)"
    return f"not exists (select 1 from entry o where o.iri = e.iri and {same} and {before})"


def ordered(since: Mapping[str, str]) -> str:
    """Return the time by which a page with these filters is sorted, a field of Found: modified or created."""
    return "modified" if any(name.startswith("modified") for name in since) else "created"


def _in_time(since: Mapping[str, str]) -> list[str]:
    """Return the conditions of filters by time, as the indexes have them; what has no such time is in none."""
    bounds = {f"{field}_{bound}": (field, sign) for field in ("created", "modified") for bound, sign in (("since", ">="), ("until", "<="))}
    return [f"julianday(e.{bounds[name][0]}) {bounds[name][1]} julianday(:{name})" for name in since]


def _of_row(row: Iterable[Any]) -> Found:
    found = Found._make(row)
    return found._replace(deleted=bool(found.deleted), json=found.json if found.iri == found.owner else _part(found.json, found.iri))


def _part(json: bytes, iri: str) -> bytes:
    """Cut the embedded object out of its owner's JSON; where the owner was forgotten meanwhile, only the tombstone is left."""
    gone = orjson.dumps({"id": iri, "deleted": True})
    return next((orjson.dumps(obj) for _, obj in parts(orjson.loads(json)) if obj["id"] == iri), gone)


def _base(home: Path, release: int) -> str:
    """Return the base that a finished release was made for, which a move of the instance does not change; "" while it is made."""
    with suppress(Malformed):
        return str(Release(release, home / "releases" / str(release)).manifest["base"])
    return ""


def readable(home: Path, release: int) -> Reader:
    """Return a Reader. Raises Malformed naming the file that is missing or damaged."""
    try:
        return Reader(home, release)
    except sqlite3.Error as error:
        raise Malformed(
            str(home), f"expected journal.sqlite and serving.sqlite: {error}; publisher build --full makes serving.sqlite anew"
        ) from error
