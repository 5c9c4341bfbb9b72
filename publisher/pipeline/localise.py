"""Gives a source's object our IRIs, and keeps its own ids as what it is the same as."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from publisher.config import Source
from publisher.iris import PLURAL, SINGULAR, Iris, Space, class_of
from publisher.ontology import Use, ontology
from publisher.record import SCHEMA, Record

PAGES = ("unserac", "allris3", "allris4")
OWN_LISTS = ("Body", "Organization")


def localised(obj: dict[str, Any], iris: Iris) -> dict[str, Any] | None:
    """Return the object under our IRIs, each with `owl:sameAs` its own http(s) id; None if no registered source owns its id.

    References to ids of registered sources become ours; foreign URLs stay as they are. External lists become ours.
    """
    name = obj["type"].rsplit("/", 1)[-1]
    iri = iris.mint(obj["id"], name)
    if iri is None:
        return None
    return _object(obj, iri, name, iris)


def _object(obj: dict[str, Any], iri: str, name: str, iris: Iris) -> dict[str, Any]:
    cls, own = obj["type"], obj["id"]
    gone, pointing = _kept(cls, tuple(obj))
    made: dict[str, Any] = {"type": cls, "id": iri} | obj
    made["id"] = iri
    for key in gone:
        del made[key]
    for key, target in pointing:
        value = obj[key]
        made[key] = [_target(target, item, iris) for item in value] if type(value) is list else _target(target, value, iris)
    if own != iri and own.startswith(("http://", "https://")):
        made["owl:sameAs"] = list(dict.fromkeys([*made["owl:sameAs"], own])) if "owl:sameAs" in made else [own]
    if (name in OWN_LISTS or name == "System") and not obj.get("deleted"):
        made |= _lists(iri, name, ontology().uses[cls], iris.base)
    return made


@lru_cache(maxsize=4096)
def _kept(cls: str, keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return which of an object's keys go, and those that point at something, with its class; objects of one list share keys."""
    uses = ontology().uses[cls]
    others = [key for key in keys if key not in ("type", "id")]
    gone = tuple(key for key in others if key not in uses or uses[key].external)
    return gone, tuple((key, uses[key].value_class) for key in others if key not in gone and uses[key].value_class)


def _target(cls: str, item: Any, iris: Iris) -> Any:
    if type(item) is dict:
        name = item["type"].rsplit("/", 1)[-1]
        return _object(item, iris.mint(item["id"], name) or item["id"], name, iris)
    return iris.mint(item, cls) or item


def _lists(iri: str, name: str, uses: dict[str, Use], base: str) -> dict[str, str]:
    """Return the URLs of the external lists that we serve for a Body or an Organization, and the System's list of bodies."""
    if name == "System":
        return {"body": f"{base}/oparl/body"}
    return {key: f"{iri}/{key}" for key, use in uses.items() if use.external} if name in OWN_LISTS else {}


def space_of(source: Source, sample: Sequence[Record]) -> Space:
    """Return the id space of a source, from its TOML where it says so, else from the ids of its first records.

    Sources of pages have no ids of their own: their parsers speak of `urn:ris:{jurisdiction}:`.
    """
    if source.kind in PAGES and not source.prefixes:
        head = f"urn:ris:{source.jurisdiction}:"
        main = next((record.id for record in sample if record.type == "Body"), f"{head}body/{source.jurisdiction}")
        return Space(source.jurisdiction, (head,), "{class}/{key}", main, source.namespace)
    ids = [record.id for record in sample]
    prefixes = source.prefixes or tuple(dict.fromkeys(_shortest(ids, host) for host in dict.fromkeys(_host(url) for url in ids)))
    body = next((record.id for record in sample if record.type == "Body"), "")
    return Space(source.jurisdiction, prefixes, source.ids or _template(prefixes, body, sample), body, source.namespace)


def prefix_of(url: str) -> str:
    """Return what stands before the first word of an id that names a class: ".../oparl/v1.0/body/1/paper/6" -> ".../oparl/v1.0/"."""
    host = _host(url)
    path = url[len(host) :]
    walked = ""
    for segment in path.split("/")[:-1]:
        if class_of(segment):
            return host + walked
        walked += segment + "/"
    return host + walked


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _shortest(ids: Sequence[str], host: str) -> str:
    return min((prefix_of(url) for url in ids if _host(url) == host), key=len)


def _template(prefixes: Sequence[str], body: str, sample: Sequence[Record]) -> str:
    """Return the template that the sampled ids follow, below the main body where they do."""
    stem = body.removeprefix(prefixes[0]) + "/" if prefixes and body.startswith(prefixes[0]) else ""
    for head in (stem, ""):
        for words, word in ((SINGULAR, "{class}"), (PLURAL, "{classes}")):
            if any(
                record.id.startswith(f"{prefixes[0]}{head}{words[record.type]}/")
                for record in sample
                if record.type not in ("System", "Body")
            ):
                return f"{head}{word}/{{key}}"
    return "{class}/{key}"


def full_type(name: str) -> str:
    """Return the class IRI of a bare OParl class name."""
    return name if name.startswith("http") else SCHEMA + name
