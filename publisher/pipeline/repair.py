"""Whether the files of an instance are as they were written, and what makes them so again."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from publisher import release
from publisher.config import Settings
from publisher.errors import Malformed
from publisher.journal import salvage
from publisher.journal.serving import Serving
from publisher.pipeline.build import Built, Progress, build

JOURNAL, SERVING = "journal.sqlite", "serving.sqlite"


def damage(home: Path, *, full: bool) -> Iterator[str]:
    """Yield what is damaged: the files of the release in service; full: those of every release, both databases, each version's hash."""
    if full:
        yield from _of_journal(home)
        yield from salvage.damage(home / SERVING)
    served = release.current(home)
    if served is not None and full and not salvage.damage(home / SERVING) and not salvage.damage(home / JOURNAL):
        yield from salvage.untrue(home, served.number)
    if served is not None:
        yield from release.damage(served)
    for one in release.retained(home) if full else ():
        if served is None or one.number != served.number:
            yield from release.damage(one)


def _of_journal(home: Path) -> Iterator[str]:
    found = salvage.damage(home / JOURNAL)
    yield from found
    if not found:
        yield from (f"{home / JOURNAL}: version {seq} of {iri} is not what its hash says" for seq, iri in salvage.broken(home / JOURNAL))


def repaired(settings: Settings, at: str, *, progress: Progress) -> Iterator[str]:
    """Mend what is damaged, and yield what was done and what is lost: what is whole of the journal is kept, the rest made anew from it.

    Nothing is done where nothing is damaged. Raises Malformed where no journal is left.
    """
    home = settings.home
    if not (home / JOURNAL).exists():
        raise Malformed(str(home / JOURNAL), "expected the journal, from which all else is made; restore it from a backup")
    with release.writing(home):
        if not any(damage(home, full=True)):
            yield "nothing is damaged"
            return
        served = release.current(home)
        told = _told(served)
        if any(_of_journal(home)):
            yield from _saved(home, str(told.get("base") or settings.base), int(told.get("seq") or 0))
        if salvage.damage(home / SERVING):
            known = salvage.renewed(home / SERVING, served.number if served else 0, int(told.get("seq") or 0), str(told.get("made") or at))
            yield f"{SERVING}: made anew" + ("" if known else "; what had been published before leaves the event stream")
    made: Built = build(settings, at, progress=progress, full=True, force=True)
    for one in release.retained(home):
        if one.number != made.number and (wrong := release.damage(one)):
            release.removed(one)
            yield f"release {one.number}: removed, for it was damaged: {wrong[0]}"
    yield f"release {made.number} in service, made from the journal"


def _saved(home: Path, base: str, seq: int) -> Iterator[str]:
    saved = salvage.salvage(home / JOURNAL, base, max(seq, salvage.seqs(home / SERVING)))
    yield f"{JOURNAL}: {saved.kept} versions kept, {len(saved.lost)} lost; the damaged file is {saved.aside}: remove it when all is well"
    for number, iri in saved.lost:
        yield f"lost: version {number} of {iri or 'a record whose IRI is lost, too'}"
    if saved.lost:
        yield "publisher update reads everything again, and with it what was lost"
        with suppress(Malformed), Serving(home / SERVING) as serving:
            salvage.without(serving, [number for number, _ in saved.lost])


def _told(served: release.Release | None) -> dict[str, Any]:
    with suppress(Malformed):
        return served.manifest if served else {}
    return {}
