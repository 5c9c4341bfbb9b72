"""Which releases were served up to which version, and what they kept out: with it the stream's past can be told from the journal alone."""

from collections.abc import Iterable, Iterator

from publisher.journal import Journal

TABLES = """
create table if not exists served (number integer primary key, seq integer not null, made text not null);
create table if not exists kept_out (seq integer primary key, reason text not null);
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

    def note(self, number: int, seq: int, made: str, kept_out: Iterable[tuple[int, str]], accepted: Iterable[int]) -> None:
        """Note a release: what it holds, what it keeps out, and what it accepted, some of which may have been kept out before."""
        self.db.execute("begin immediate")
        self.db.execute("insert or replace into served values (?, ?, ?)", (number, seq, made))
        self.db.executemany("insert or replace into kept_out values (?, ?)", kept_out)
        self.db.executemany("delete from kept_out where seq = ?", ((one,) for one in accepted))
        self.db.execute("commit")
