"""What a walk has met: no object comes twice, and an id with two contents is named."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from publisher.record import Note, Record, Refusal, content


def short_hash(obj: dict[str, Any]) -> int:
    """Return 64 bits of an object's content, enough to tell two versions of one id apart within this process."""
    return hash(content(obj))


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

    def once(self, item: Record | Refusal, place: str) -> Iterator[Record | Refusal]:
        """Yield a record at its first coming, with a damage note where it embeds an id that was met with other content; a Refusal
        if its own id came before with other content; nothing if it came before as it is."""
        if isinstance(item, Refusal):
            yield item
            return
        fingerprint = short_hash(item.object)
        if item.id in self._records:
            if self._records[item.id] != fingerprint:
                yield Refusal(place, "the id came before with other content; the first is taken", item.type, item.id)
            return
        self._records[item.id] = fingerprint
        reused = [Note("damage", "id_of_other_content", path) for path, part in embedded(item.object) if self._differs(part)]
        yield replace(item, notes=(*item.notes, *reused)) if reused else item

    def _differs(self, part: dict[str, Any]) -> bool:
        """SessionNet (Karlsruhe 2026) gives one consultation id to 121 pairs of different consultations."""
        fingerprint = short_hash(part)
        return self._embedded.setdefault(hash(part["id"]), fingerprint) != fingerprint


def embedded(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return (path, object) for each object with an id inside `value`, at any depth, `value` itself left out."""
    found: list[tuple[str, dict[str, Any]]] = []
    _collect(value, "", found)
    return found


def _collect(value: Any, path: str, found: list[tuple[str, dict[str, Any]]]) -> None:
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(child, dict):
            if isinstance(child.get("id"), str):
                found.append((f"{path}{key}", child))
            _collect(child, f"{path}{key}.", found)
        elif isinstance(child, list) and child and not isinstance(child[0], str):
            _collect(child, f"{path}{key}.", found)
