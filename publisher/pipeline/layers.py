"""All quads of a record: its own graph and the derived one beside it."""

from collections.abc import Callable
from typing import Any

from publisher.graph.mapper import implied, quads

Lookup = Callable[[str], dict[str, Any] | None]


def layers(obj: dict[str, Any], lookup: Lookup, base: str) -> bytes:
    """Return the N-Quads of a record's graphs `{iri}` and `{iri}/eli`; `lookup` gives other records and parts by IRI."""
    return (quads(obj) + implied(obj)).encode()
