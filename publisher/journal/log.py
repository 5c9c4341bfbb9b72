"""Which releases were served up to which version, and what they kept out: with it the stream's past can be told from the journal alone."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from publisher.journal import Journal

TABLES = """
create table if not exists served (number integer primary key, seq integer not null, made text not null);
create table if not exists kept_out (seq integer primary key, reason text not null);
create table if not exists placed (id integer primary key, at text not null, number integer not null, told blob not null);
"""
# Of each record the newest version that came since, and whether it was there and live before; :after and :upto are seqs.
CAME = """
select coalesce(sum(not deleted and not live), 0), coalesce(sum(not deleted and live), 0), coalesce(sum(deleted and live), 0) from (
  select v.deleted, coalesce((select not w.deleted from version w where w.iri = v.iri and w.seq <= :after
    and not exists (select 1 from kept_out k where k.seq = w.seq) order by w.seq desc limit 1), 0) live
  from version v where v.seq > :after and v.seq <= :upto and not exists (select 1 from kept_out k where k.seq = v.seq)
    and not exists (select 1 from version n where n.iri = v.iri and n.seq > v.seq and n.seq <= :upto
      and not exists (select 1 from kept_out k where k.seq = n.seq)))
"""
REFUSED = """
select coalesce(sum(json_array_length(cast(refusals as text))), 0) from run
where id in (select max(id) from run where started > :after and started <= :upto group by source)
"""


class Log:
    """The log of a journal; written before a release comes into service, so that nothing is served that it does not know."""

    def __init__(self, journal: Journal, known: Iterable[tuple[int, int, str]] = (), kept_out: Iterable[tuple[int, str]] = ()) -> None:
        """Known, kept_out: what a journal without a log is taken to have served, as (number, seq, made), and kept out, as (seq, reason)."""
        self.db = journal.db
        self.db.executescript(TABLES)
        if not self.top():
            for number, seq, made in known:
                self.note(number, seq, made, kept_out, ())

    def top(self) -> int:
        """Return the highest seq that any release held, those included that a rollback took out of service."""
        return int(self.db.execute("select coalesce(max(seq), 0) from served").fetchone()[0])

    def kept_out(self, after: int) -> Iterator[tuple[int, str]]:
        """Yield (seq, reason) of the versions that no release held, oldest first."""
        yield from self.db.execute("select seq, reason from kept_out where seq > ? order by seq", (after,))

    def was_served(self, seq: int) -> bool:
        """Return whether some release held a version."""
        return seq <= self.top() and not self.db.execute("select 1 from kept_out where seq = ?", (seq,)).fetchone()

    def place(self, number: int, at: str, told: dict[str, Any]) -> None:
        """Note that a release came into service, by a build or a rollback, and what there is to tell of it."""
        self.db.execute("insert into placed (at, number, told) values (?, ?, ?)", (at, number, orjson.dumps(told)))

    def changes(self, number: int, before: int) -> dict[str, int]:
        """Return how many records a release added, changed and withdrew since another, 0 for none, kept out, and harvests refused."""
        found = {
            row[0]: row[1:] for row in self.db.execute("select number, seq, made from served where number in (?, ?)", (before, number))
        }
        (since, then), (upto, made) = found.get(before, (0, "")), found[number]
        added, changed, withdrawn = self.db.execute(CAME, {"after": since, "upto": upto}).fetchone()
        kept_out = "select count(*) from kept_out where seq > ? and seq <= ? and reason != 'superseded'"
        [held], [refused] = (
            self.db.execute(kept_out, (since, upto)).fetchone(),
            self.db.execute(REFUSED, {"after": then, "upto": made}).fetchone(),
        )
        return {"added": added, "changed": changed, "withdrawn": withdrawn, "kept_out": held, "refused": refused}

    def note(self, number: int, seq: int, made: str, kept_out: Iterable[tuple[int, str]], accepted: Iterable[int]) -> None:
        """Note a release: what it holds, what it keeps out, and what it accepted, some of which may have been kept out before."""
        self.db.execute("begin immediate")
        self.db.execute("insert or replace into served values (?, ?, ?)", (number, seq, made))
        self.db.executemany("insert or replace into kept_out values (?, ?)", kept_out)
        self.db.executemany("delete from kept_out where seq = ?", ((one,) for one in accepted))
        self.db.execute("commit")
