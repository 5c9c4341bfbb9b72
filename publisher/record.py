"""The record: one top-level OParl object as its source published it, in a frozen envelope."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

SCHEMA = "https://schema.oparl.org/1.1/"
CLASSES = (
    "System", "Body", "LegislativeTerm", "Organization", "Person", "Membership",
    "Meeting", "AgendaItem", "Paper", "Consultation", "File", "Location",
)  # fmt: skip


class Note(NamedTuple):
    """One thing done to a value, or found wrong with it, on its way in: for the fact ledger and for the clerk.

    kind: normalised (changed by a named rule) | ignored (listed in the source's TOML) | withheld (privacy list)
    | unmapped (nobody knows the key) | damage (the source itself is damaged; reported, not repaired).
    path: keys from the record down, "consultation.0.role". leaves: how many JSON leaves the note is about.
    """

    kind: str
    rule: str
    path: str
    leaves: int = 1


@dataclass(frozen=True, slots=True)
class Record:
    """`object` is OParl with the source's own ids, embedded objects inside; `url` is the page it was read from.

    raw: the object before any repair, for the fact ledger. body: id of the Body whose list it stood in, if the walker knows.
    """

    type: str
    id: str
    url: str
    object: dict[str, Any]
    deleted: bool = False
    notes: tuple[Note, ...] = ()
    raw: dict[str, Any] | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object that could not become a record: counted and listed, never dropped in silence."""

    url: str
    reason: str
    type: str = ""
    id: str = ""


def content(obj: dict[str, Any]) -> bytes:
    """Return the canonical JSON of an object: keys sorted, UTF-8, no spaces."""
    return orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)


def content_hash(obj: dict[str, Any]) -> str:
    """Return SHA-256 (hex) of the canonical JSON; equal objects have equal hashes whatever the order of their keys."""
    return sha256(content(obj)).hexdigest()


def parts(obj: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (path, object) for each typed object embedded in `obj`, outermost first, at any depth."""
    for key, value in obj.items():
        # Most values are texts, and this is asked of every record several times.
        if type(value) is dict:
            if "id" in value and "type" in value:
                yield f"{path}{key}", value
                yield from parts(value, f"{path}{key}.")
        elif type(value) is list:
            for at, item in enumerate(value):
                if type(item) is dict and "id" in item and "type" in item:
                    yield f"{path}{key}.{at}", item
                    yield from parts(item, f"{path}{key}.{at}.")
