"""Forget: a depublished record's content leaves the journal, the page cache, and with the next release every file; its tombstone stays."""

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

import orjson

from publisher.errors import Misconfigured
from publisher.fetch import cache_folder
from publisher.journal import Journal, Version
from publisher.record import content_hash, parts
from publisher.texts import Shelf, files_of

PENDING = "erasing"
KEPT = ("type", "id", "owl:sameAs", "created")


class Forgotten(NamedTuple):
    """What was erased: versions of the record, and the sources whose page caches were emptied.

    holders: IRIs of other records in which a copy of it is embedded, which only forgetting them removes.
    """

    iri: str
    versions: int
    sources: tuple[str, ...]
    holders: tuple[str, ...]


def forget(journal: Journal, home: Path, iri: str, at: str) -> Forgotten:
    """Erase a record's content from the journal and the page cache, and append its tombstone.

    Said again, as after a kill, it only goes on. What the files and releases still hold goes when the caller does as `erasing` asks.
    Raises Misconfigured if nothing was ever published at `iri`, or if it is part of another record.
    """
    versions = journal.versions(iri)
    if not versions:
        raise Misconfigured(f"{iri}: expected the IRI of a record; nothing was ever published there, or it is part of another record")
    last = versions[-1]
    stone = {key: value for key, value in orjson.loads(last.json).items() if key in KEPT} | {"modified": at, "deleted": True}
    Shelf(home).remove(iri, {url for version in versions for url, _ in files_of(orjson.loads(version.json))})
    if not journal.setting(f"forgotten {iri}") or not last.deleted or any(version.hash for version in versions[:-1]):
        journal.erase(iri, orjson.dumps({"type": stone["type"], "id": iri, "deleted": True}))
        journal.append(
            Version(0, iri, last.type, last.source, last.source_url, last.body, at, at, True, content_hash(stone), orjson.dumps(stone))
        )
        rewritten(journal)
        journal.set(f"forgotten {iri}", at)
        journal.commit()
    journal.vacuum()
    sources = tuple(sorted({version.source for version in versions}))
    for name in sources:
        rmtree(cache_folder(home, name), ignore_errors=True)
    return Forgotten(iri, len(versions), sources, tuple(sorted(set(_holders(journal, iri)))))


def rewritten(journal: Journal) -> None:
    """Note that versions were erased: streams begin anew, and the next build must leave nothing of them in any file."""
    journal.set("generation", str(int(journal.setting("generation") or 1) + 1))
    journal.set(PENDING, "1")


def erasing(journal: Journal) -> bool:
    """Return whether something was erased that files and releases still hold.

    Then the journal's file is rewritten, a release is built in full and kept alone, and `erased` is called.
    """
    return journal.setting(PENDING) == "1"


def erased(journal: Journal) -> None:
    """Note that nothing of what was erased is left anywhere."""
    journal.set(PENDING, None)


def _holders(journal: Journal, iri: str) -> Iterator[str]:
    """Yield the records that embed the thing, not only refer to it; one that does no more still holds it in an older version."""
    for owner, json in journal.mentions(iri):
        if any(part["id"] == iri for _, part in parts(orjson.loads(json))):
            yield owner
