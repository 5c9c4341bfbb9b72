"""The log of releases as people read it: what each was, when it came into service, and when and how it left."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.journal import connected
from publisher.release import current, retained

ROLLBACK = "rollback"


class Entry(NamedTuple):
    """One release. placed, left: when it last came into service and left it, "" where not known.

    state: "in service" | "rolled back" | "kept" (a rollback may reach it) | "gone". told: what the command that made it noted, {} for what
    older programs made: by, publisher, vocabulary, records, bytes, added, changed, withdrawn, kept_out, refused.
    """

    release: int
    seq: int
    made: str
    placed: str
    left: str
    state: str
    told: dict[str, Any]


def history(home: Path, most: int = -1) -> Iterator[Entry]:
    """Yield the newest `most` releases that were ever in service, all by default, the newest first; writes nothing."""
    with closing(connected(home / "journal.sqlite", writable=False)) as db:
        tables = {row[0] for row in db.execute("select name from sqlite_master where name in ('served', 'placed')")}
        served = "select number, seq, made from served order by number desc limit ?"
        found = db.execute(served, (most,)).fetchall() if "served" in tables else []
        placed = db.execute("select at, number, told from placed order by id").fetchall() if "placed" in tables else []
    service = getattr(current(home), "number", 0)
    kept = {one.number for one in retained(home) if one.number < service}
    for number, seq, made in found:
        at, left, back = next(reversed(_spans(placed, number)), ("", "", False))
        state = "in service" if number == service else "rolled back" if back else "kept" if number in kept else "gone"
        noted = (orjson.loads(told) for _, one, told in placed if one == number)
        told: dict[str, Any] = next((one for one in noted if one["by"] != ROLLBACK), {})
        # In service and left: it came back by a repair or a switch by hand, which nobody noted.
        yield Entry(number, seq, made, at, "" if number == service else left, state, told)


def _spans(placed: list[tuple[str, int, bytes]], number: int) -> list[tuple[str, str, bool]]:
    """Return (from, until, whether a rollback ended it) of each time a release was in service."""
    following = [*placed, ("", number, b"")][1:]
    return [(at, left, then < number) for (at, one, _), (left, then, _) in zip(placed, following, strict=True) if one == number]
