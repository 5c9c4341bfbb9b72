"""All quads of a record: its own graph and the derived one beside it."""

from functools import lru_cache
from typing import Any, Protocol

import orjson

from publisher.concepts import Concepts
from publisher.graph.eli import derived
from publisher.graph.mapper import implied, quads
from publisher.graph.sections import told
from publisher.journal.reader import Reader
from publisher.record import parts


class Lookup(Protocol):
    """Other records and parts by IRI, None for the unknown; and which parts of a record another one describes."""

    def __call__(self, iri: str) -> dict[str, Any] | None: ...
    def held_elsewhere(self, owner: str) -> list[str]: ...


class Served:
    """The look-up in a finished release."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.held_elsewhere = reader, reader.held_elsewhere
        self._kept = lru_cache(5000)(self._read)

    def __call__(self, iri: str) -> dict[str, Any] | None:
        return self._kept(iri)

    def _read(self, iri: str) -> dict[str, Any] | None:
        found = self.reader.get(iri)
        return orjson.loads(found.json) if found else None


def layers(obj: dict[str, Any], lookup: Lookup, known: Concepts) -> bytes:
    """Return the N-Quads of a record's graphs `{iri}` and `{iri}/eli`.

    A part that many records embed alike stands in the first one's graph only: a union of graphs is no set in every
    engine, and each copy would be counted. Where the copies differ, each keeps its own.
    """
    return written(obj, lookup, known, lookup.held_elsewhere(obj["id"])).encode()


def written(obj: dict[str, Any], lookup: Lookup, known: Concepts, held: list[str]) -> str:
    """Return the same as text. held: the record's parts that an earlier record describes as well."""
    mine = {part["id"]: part for _, part in parts(obj)} if held else {}
    without = frozenset(iri for iri in held if mine.get(iri) == lookup(iri))
    return "".join((quads(obj, without), implied(obj, without), *derived(obj, lookup, known, without), *told(obj, known)))
