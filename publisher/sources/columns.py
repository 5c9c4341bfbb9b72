"""What stands in which column of a table: by the words that head it, however far its cells reach."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from publisher.sources.pages_common import shown

Heads = Sequence[tuple[str, re.Pattern[str]]]


class Column(NamedTuple):
    """One cell of a row: what its head makes of it ("" where no head stands over it), its pieces of text, the text on one line."""

    field: str
    pieces: list[str]
    text: str


def heads(cells: Sequence[LexborNode], words: Heads) -> list[str]:
    """Return for each column the first field whose words its head begins with; "" for a head without any, "other" for one of other words.

    A head that reaches over several columns heads them all.
    """
    found: list[str] = []
    for cell in cells:
        told = " ".join(shown(cell)).lower().strip(" :")
        field = next((name for name, pattern in words if pattern.match(told)), "other" if told else "")
        found += [field] * span(cell)
    return found


def columns(cells: Sequence[LexborNode], heads: Sequence[str]) -> list[Column]:
    """Return the cells of a row under their heads; without any field where the row is not as wide as the heads."""
    spans = [span(cell) for cell in cells]
    fits = sum(spans) == len(heads)
    parts = [shown(cell) for cell in cells]
    return [Column(heads[sum(spans[:at])] if fits else "", part, " ".join(part)) for at, part in enumerate(parts)]


def span(cell: LexborNode) -> int:
    """Return over how many columns a cell reaches."""
    told = cell.attributes.get("colspan") or ""
    return int(told) if told.isdigit() and 0 < int(told) < 100 else 1
