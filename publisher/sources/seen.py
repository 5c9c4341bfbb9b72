"""What a walk has met: no object comes twice, and an id with two contents is named."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from publisher.record import Note, Record, Refusal, content

PARTS = frozenset(("AgendaItem", "Consultation", "File", "Location", "Membership", "LegislativeTerm"))
# What a part's own form has and the embedded one leaves out, or the other way round: links back to owners, stamps, the type's version.
BACK = frozenset(("type", "created", "modified", "deleted"))
BACK_OF = {
    "AgendaItem": BACK | {"meeting"},
    "Consultation": BACK | {"paper"},
    "Membership": BACK | {"person"},
    "LegislativeTerm": BACK | {"body"},
    "File": BACK | {"body", "paper", "meeting", "agendaItem", "person"},
    "Location": BACK | {"body", "bodies", "organization", "organizations", "person", "persons", "meeting", "meetings", "paper", "papers"},
}


def short_hash(obj: dict[str, Any], back: frozenset[str] = frozenset()) -> int:
    """Return 64 bits of an object's content but for some keys, enough to tell two versions of one id apart within this process."""
    if not back:
        return hash(content(obj))
    return hash(content({key: value for key, value in obj.items() if (value or value == 0) and key not in back}))  # False is 0, too


def facts_hash(obj: dict[str, Any]) -> int:
    """Return 64 bits of what a part says of itself, the same whether it stands in its owner or in a list of its own."""
    return short_hash(obj, _back(str(obj.get("type", ""))))


@lru_cache(maxsize=1024)
def _back(kind: str) -> frozenset[str]:
    return BACK_OF.get(kind.rsplit("/", 1)[-1], BACK)


class Seen:
    """Ids met so far with a short hash of their content: of records, and of objects embedded in them."""

    def __init__(self) -> None:
        self._records: dict[str, int] = {}
        self._embedded: dict[int, int] = {}  # by hash of the id: a town has millions, and nothing but equality is asked

    def __contains__(self, url: str) -> bool:
        return url in self._records

    def embeds(self, url: str) -> bool:
        """Return whether a record met so far embeds the object `url`."""
        return hash(url) in self._embedded

    def repeats(self, item: Record | Refusal) -> bool:
        """Return whether a part's own record says only what its owner, met before, said of it."""
        return isinstance(item, Record) and item.type in PARTS and self._embedded.get(hash(item.id)) == facts_hash(item.object)

    def once(self, item: Record | Refusal, place: str) -> Iterator[Record | Refusal]:
        """Yield a record at its first coming, with a damage note where it embeds an id that was met with other content, and one if it is
        a part that its owner tells otherwise; a Refusal if its own id came before with other content; nothing if it came before as it
        is, or as a part that says nothing new."""
        if isinstance(item, Refusal):
            yield item
            return
        if self.repeats(item):
            return
        fingerprint = short_hash(item.object)
        if item.id in self._records:
            if self._records[item.id] != fingerprint:
                yield Refusal(place, "the id came before with other content; the first is taken", item.type, item.id)
            return
        self._records[item.id] = fingerprint
        reused = [Note("damage", "id_of_other_content", path) for path, part in embedded(item.object) if self._differs(part)]
        if item.type in PARTS and self.embeds(item.id):
            reused.append(Note("damage", "listed_otherwise_than_embedded", ""))
        yield replace(item, notes=(*item.notes, *reused)) if reused else item

    def _differs(self, part: dict[str, Any]) -> bool:
        """SessionNet (Karlsruhe 2026) gives one consultation id to 121 pairs of different consultations."""
        fingerprint = facts_hash(part)
        return self._embedded.setdefault(hash(part["id"]), fingerprint) != fingerprint


def embedded(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return (path, object) for each object with an id inside `value`, at any depth, `value` itself left out."""
    found: list[tuple[str, dict[str, Any]]] = []
    _collect(value, "", found)
    return found


def _collect(value: Any, path: str, found: list[tuple[str, dict[str, Any]]]) -> None:
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        if type(child) is str:
            continue
        if isinstance(child, dict):
            if isinstance(child.get("id"), str):
                found.append((f"{path}{key}", child))
            _collect(child, f"{path}{key}.", found)
        elif isinstance(child, list) and child and not isinstance(child[0], str):
            _collect(child, f"{path}{key}.", found)
