"""Which keys of an OParl object link to other objects."""

from collections.abc import Iterator
from typing import Any

from publisher.sources.repairs.shapes import EMBEDS

LINKS = frozenset((
    "location", "person", "organization", "onBehalfOf", "subOrganizationOf", "membership", "meeting", "agendaItem", "consultation",
    "paper", "participant", "relatedPaper", "superordinatedPaper", "subordinatedPaper", "originatorPerson", "underDirectionOf",
    "originatorOrganization", "masterFile", "derivativeFile",
))  # fmt: skip
# Under these keys of these classes stands the URL of a list, not of an object.
LISTS = {
    "Body": frozenset(("organization", "person", "meeting", "paper", "agendaItem", "consultation", "membership")),
    "Organization": frozenset(("meeting", "consultation")),
    "System": frozenset(("body",)),
}


def linked(kind: str, obj: dict[str, Any]) -> Iterator[str]:
    """Yield the URL of each object that `obj`, or an object embedded in it, links to."""
    for key in sorted(LINKS & obj.keys()):
        for value in obj[key] if isinstance(obj[key], list) else [obj[key]]:
            if isinstance(value, str) and key not in LISTS.get(kind, ()):
                yield value
            elif isinstance(value, dict):
                yield from linked(EMBEDS.get(key, ""), value)
