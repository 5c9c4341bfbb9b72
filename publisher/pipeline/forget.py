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

    The only act that changes the journal. What releases still hold goes when the caller builds in full and keeps that
    one release alone. Raises Misconfigured if nothing was ever published at `iri`, or if it is part of another record.
    """
    versions = journal.versions(iri)
    if not versions:
        raise Misconfigured(f"{iri}: expected the IRI of a record; nothing was ever published there, or it is part of another record")
    last = versions[-1]
    stone = {key: value for key, value in orjson.loads(last.json).items() if key in KEPT} | {"modified": at, "deleted": True}
    journal.erase(iri, orjson.dumps({"type": stone["type"], "id": iri, "deleted": True}))
    journal.append(
        Version(0, iri, last.type, last.source, last.source_url, last.body, at, at, True, content_hash(stone), orjson.dumps(stone))
    )
    journal.set("generation", str(int(journal.setting("generation") or 1) + 1))
    journal.set(f"forgotten {iri}", at)
    journal.commit()
    journal.vacuum()
    sources = tuple(sorted({version.source for version in versions}))
    for name in sources:
        rmtree(cache_folder(home, name), ignore_errors=True)
    return Forgotten(iri, len(versions), sources, tuple(sorted(set(_holders(journal, iri)))))


def _holders(journal: Journal, iri: str) -> Iterator[str]:
    """Yield the records that embed the thing, not only refer to it; one that does no more still holds it in an older version."""
    for owner, json in journal.mentions(iri):
        if any(part["id"] == iri for _, part in parts(orjson.loads(json))):
            yield owner
