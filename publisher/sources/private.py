"""Where people live: what a Location says is held back where it stands for itself and a Person's withheld address leads to it."""

from dataclasses import replace
from typing import Any

from publisher.config import Source
from publisher.record import Note, Record
from publisher.sources.normal import leaves

KEPT = frozenset(("id", "type", "created", "modified", "deleted", "license"))
OF_PERSONS = frozenset(("persons", "person"))
OF_OTHERS = frozenset(("bodies", "organizations", "organization", "meetings", "meeting", "papers", "paper"))


class Addresses:
    """The Locations to which withheld keys of the persons met so far lead (SD.NET: Person.location, a URL in no list)."""

    def __init__(self, source: Source) -> None:
        self._keys = [key for key in ("location", "locationObject") if f"Person.{key}" in source.withheld]
        self._ids: set[str] = set()

    def __contains__(self, url: str) -> bool:
        return url in self._ids

    def meet(self, person: dict[str, Any]) -> None:
        """Remember where a Person's withheld keys lead."""
        for key in self._keys:
            value = person.get(key)
            for one in value if isinstance(value, list) else [value]:
                told = one.get("id") if isinstance(one, dict) else one
                if isinstance(told, str):
                    self._ids.add(told)

    def bare(self, item: Record) -> Record:
        """Return a Location that is a person's alone without what it says, each value noted as withheld; any other record as it is."""
        obj = item.object
        others = any(obj.get(key) for key in OF_OTHERS)
        if item.type != "Location" or not self._keys or others or not (item.id in self or any(obj.get(key) for key in OF_PERSONS)):
            return item
        gone = [key for key in obj if key not in KEPT]
        return replace(
            item,
            object={key: value for key, value in obj.items() if key in KEPT},
            notes=(*item.notes, *(Note("withheld", "privacy", key, leaves(obj[key])) for key in gone)),
        )
