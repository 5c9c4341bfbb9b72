"""Former members: a period after the end of the last membership personal data goes, old versions and all, and never enters again."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson

from publisher.config import Source
from publisher.journal import Journal, Version
from publisher.pipeline.forget import rewritten
from publisher.record import Note, Record, content_hash
from publisher.sources.normal import leaves

RULE = "expired_member"
CURRENT = "9999-12-31"


def last_day(memberships: Iterable[Mapping[str, Any]]) -> str:
    """Return the day on which the last of some memberships ends ("2024-06-30"), CURRENT if one has no end; "" if there is none."""
    return max((str(one.get("endDate") or CURRENT)[:10] for one in memberships if not one.get("deleted")), default="")


def is_over(day: str, source: Source, at: str) -> bool:
    """Return whether at the time `at` the source's period after `day` has passed; never for "" or what is no day."""
    try:
        return bool(day) and date.fromisoformat(day) + timedelta(days=source.expired_after_days) < date.fromisoformat(at[:10])
    except (ValueError, OverflowError):
        return False


def former(record: Record, source: Source, at: str, marked: str | None = None) -> Record:
    """Return a Person's record without what is personal if its time is over, with a note of each value; any other record as it is.

    The memberships inside the Person decide; where a source lists them apart, whether `expire` `marked` it in the harvest before.
    """
    keys = [key for key in _keys(source) if key in record.object] if record.type == "Person" and at else []
    if not keys:
        return record
    inside = [one for one in record.object.get("membership", ()) if isinstance(one, dict)]
    if not (is_over(last_day(inside), source, at) if inside else marked):
        return record
    notes = tuple(Note("withheld", RULE, path, leaves(value)) for key in keys for path, value in _places(key, record.object[key]))
    left = {key: value for key, value in record.object.items() if key not in keys}
    return replace(record, object=left, notes=(*record.notes, *notes))


def mark(journal: Journal, iri: str) -> str | None:
    """Return what `expire` noted of a person whose time is over, None for any other."""
    return journal.setting(f"expired {iri}")


def _places(key: str, value: Any) -> list[tuple[str, Any]]:
    """Return (path in the source's object, value) of what goes: vendors' keys stand in oparlx:extension by now."""
    return list(value.items()) if key == "oparlx:extension" else [(key, value)]


def expire(journal: Journal, source: Source, at: str) -> dict[str, list[str]]:
    """Erase what is personal of this source's persons whose time is over, from all their versions; return IRI -> the source's ids.

    A version that held any of it answers 410 from then on, as a forgotten one does; the person's newest version is appended anew
    without it. A person who comes back is told from then on as any other. The caller builds in full (`forget.erasing`).
    """
    apart: dict[str, list[dict[str, Any]]] = {}
    persons: list[tuple[Version, dict[str, Any]]] = []
    for version in journal.members(source.name):
        obj = orjson.loads(version.json)
        if version.type == "Person":
            persons.append((version, obj))
        elif isinstance(obj.get("person"), str):
            apart.setdefault(obj["person"], []).append(obj)
    gone: dict[str, list[str]] = {}
    for version, obj in persons:
        inside = [one for one in obj.get("membership", ()) if isinstance(one, dict)]
        day = version.recorded[:10] if version.deleted else last_day(inside or apart.get(version.iri, []))
        told = f"{day} {' '.join(_keys(source))}" if is_over(day, source, at) else None
        if told == mark(journal, version.iri):
            continue
        if told is not None and _clean(journal, source, version, obj, at):
            gone[version.iri] = list(obj.get("owl:sameAs", ()))
        journal.set(f"expired {version.iri}", told)
    return gone


def _keys(source: Source) -> list[str]:
    return sorted(name.removeprefix("Person.") for name in source.expired)


def _clean(journal: Journal, source: Source, head: Version, obj: dict[str, Any], at: str) -> bool:
    """Erase a person's versions if any holds what must go, and append the newest without it; return whether any did."""
    keys = set(_keys(source))
    if all(keys.isdisjoint(orjson.loads(version.json)) for version in journal.versions(head.iri)):
        return False
    left = {key: value for key, value in obj.items() if key not in keys}
    journal.erase(head.iri, orjson.dumps({"type": obj["type"], "id": head.iri}))
    journal.append(head._replace(recorded=at, hash=content_hash(left), json=orjson.dumps(left)))
    rewritten(journal)
    return True
