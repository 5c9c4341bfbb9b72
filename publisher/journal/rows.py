"""What the tables of a release hold of one version: rows of the record and its parts, their references, the originals' addresses."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from publisher.journal import Version
from publisher.ontology import ontology
from publisher.record import parts


class Entry(NamedTuple):
    """One record or embedded object: what lists, look-ups and references need of it."""

    iri: str
    type: str
    created: str
    modified: str
    day: str
    reference: str
    links: tuple[tuple[str, str], ...]
    urls: tuple[str, ...]


def entries(obj: dict[str, Any]) -> Iterator[Entry]:
    """Yield the entry of a record, then those of the objects embedded in it."""
    yield _entry(obj)
    for _, part in parts(obj):
        yield _entry(part)


def _entry(obj: dict[str, Any]) -> Entry:
    uses = ontology().uses.get(obj["type"], {})
    links = tuple(
        (key, target)
        for key, value in obj.items()
        if (use := uses.get(key)) and use.value_class and not use.external
        for target in _ids(value)
    )
    day = obj.get("date") or obj.get("start") or obj.get("oparlx:day") or obj.get("startDate") or ""
    urls = (*_ids(obj.get("owl:sameAs", ())), *_ids(obj.get("prov:wasDerivedFrom", ())), *_ids(obj.get("web", ())))
    kind = obj["type"].rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    return Entry(
        obj["id"],
        kind,
        _stamp(obj.get("created")),
        _stamp(obj.get("modified")),
        str(day),
        str(obj.get("reference", "")),
        links,
        tuple(dict.fromkeys(urls)),
    )


class Rows(NamedTuple):
    """What the tables hold of one version but the span of releases: rows of entry, link and known."""

    seq: int
    owner: str
    entries: list[tuple[Any, ...]]
    links: list[tuple[str, ...]]
    urls: list[tuple[str, ...]]


def rows(version: Version, obj: dict[str, Any]) -> Rows:
    """Return the rows of a version whose object is `obj`."""
    owner, made = version.iri, list(entries(obj))
    about, tail = (version.body, version.source, version.seq), int(version.deleted)
    return Rows(
        version.seq,
        owner,
        [(e.iri, owner, e.type, *about, e.created, e.modified, e.day, e.reference, tail) for e in made],
        [(target, key, e.iri, e.type, owner) for e in made for key, target in e.links],
        [(url, e.iri, owner) for e in made for url in e.urls],
    )


def _stamp(value: Any) -> str:
    """Return a time as it stands; "" for what begins with no year, since an index of times takes no "now"."""
    return value if isinstance(value, str) and value[:4].isdigit() else ""


def _ids(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item["id"]


def stored(version: Version) -> dict[str, Any]:
    """Return a version's object."""
    obj: dict[str, Any] = orjson.loads(version.json)
    return obj
