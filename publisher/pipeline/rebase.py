"""Moves an instance to another base: every record gets its IRI there and keeps the old one as what it is the same as."""

from collections.abc import Iterator
from typing import Any

import orjson

from publisher.errors import Misconfigured
from publisher.journal import Journal
from publisher.record import content_hash, parts

MOVED = "(moved)"


def moved(journal: Journal, base: str, at: str) -> int:
    """Append a version under `base` of every record whose IRI stands under the old one, and end the old one's service.

    Returns how many records moved; moving to the base in force moves none. Raises Misconfigured before the first harvest.
    """
    old = journal.setting("base")
    if old is None:
        raise Misconfigured("there is nothing to move yet: harvest with --base instead")
    if old == base:
        return 0
    count = 0
    journal.begin()
    for version in list(journal.heads()):
        if version.source == MOVED or not version.iri.startswith(f"{old}/"):
            continue
        obj = _moved(orjson.loads(version.json), old, base)
        fresh = version._replace(
            iri=obj["id"], body=_iri(version.body, old, base), hash=content_hash(obj), json=orjson.dumps(obj), recorded=at
        )
        journal.append(fresh)
        ended = {"type": obj["type"], "id": version.iri, "modified": at, "deleted": True}
        end = version._replace(source=MOVED, deleted=True, modified=at, recorded=at)
        journal.append(end._replace(hash=content_hash(ended), json=orjson.dumps(ended)))
        count += 1
    for word in ("forgotten", "expired"):
        for key, when in journal.settings(f"{word} {old}/").items():
            journal.set(f"{word} {_iri(key.removeprefix(f'{word} '), old, base)}", when)
    journal.set("bases", orjson.dumps(sorted({old, *_bases(journal)})).decode())
    journal.set("base", base)
    journal.commit()
    return count


def carried(journal: Journal, obj: dict[str, Any]) -> None:
    """Add to an object that is read again, and to its parts, the IRIs that they had under earlier bases."""
    before = journal.latest(obj["id"]) if (bases := _bases(journal)) else None
    if before is None:
        return
    heads, old = tuple(f"{base}/" for base in bases), orjson.loads(before.json)
    former = {part["id"]: [iri for iri in part.get("owl:sameAs", ()) if iri.startswith(heads)] for part in (old, *_parts(old))}
    for part in (obj, *_parts(obj)):
        if iris := former.get(part["id"]):
            part["owl:sameAs"] = list(dict.fromkeys([*part.get("owl:sameAs", ()), *iris]))


def _parts(obj: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (part for _, part in parts(obj))


def _bases(journal: Journal) -> list[str]:
    """Return the bases under which the instance published before."""
    found: list[str] = orjson.loads(journal.setting("bases") or "[]")
    return found


def _moved(value: Any, old: str, base: str) -> Any:
    if isinstance(value, list):
        return [_moved(item, old, base) for item in value]
    if isinstance(value, str):
        return _iri(value, old, base)
    if not isinstance(value, dict):
        return value
    made = {key: item if key in ("owl:sameAs", "oparlx:extension", "geojson") else _moved(item, old, base) for key, item in value.items()}
    if isinstance(value.get("id"), str) and made["id"] != value["id"]:
        made["owl:sameAs"] = [iri for iri in dict.fromkeys([*value.get("owl:sameAs", ()), value["id"]]) if iri != made["id"]]
    return made


def _iri(text: str, old: str, base: str) -> str:
    return base + text[len(old) :] if text.startswith(f"{old}/") else text
