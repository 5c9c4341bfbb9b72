"""What changed between two versions of a record, as a list a person can read."""

from typing import Any, NamedTuple


class Change(NamedTuple):
    """One change. path: keys from the record down; objects with an id are named by it: ("agendaItem", "https://.../top/1", "result")."""

    path: tuple[str, ...]
    kind: str  # added | removed | changed
    before: Any
    after: Any


def difference(before: dict[str, Any], after: dict[str, Any], path: tuple[str, ...] = ()) -> list[Change]:
    """Return the changes that lead from one JSON object to the other, in the order of keys; [] if they are equal.

    Lists of objects with ids are compared object by object, whatever their order; other lists as whole values.
    """
    found: list[Change] = []
    for key in [*before, *(key for key in after if key not in before)]:
        found += _value(before.get(key), after.get(key), (*path, key))
    return found


def _value(before: Any, after: Any, path: tuple[str, ...]) -> list[Change]:
    if before == after:
        return []
    if before is None or after is None:
        return [Change(path, "added" if before is None else "removed", before, after)]
    if isinstance(before, dict) and isinstance(after, dict):
        return difference(before, after, path)
    if _named(before) and _named(after):
        old, new = ({item["id"]: item for item in side} for side in (before, after))
        return [
            change for iri in [*old, *(iri for iri in new if iri not in old)] for change in _value(old.get(iri), new.get(iri), (*path, iri))
        ]
    return [Change(path, "changed", before, after)]


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and "id" in item for item in value)
