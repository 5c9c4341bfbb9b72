"""Tables of council pages: their rows with what each cell says, found in one look, and what the words at a column's head make of it."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from publisher.sources.pages_common import shown

Heads = Sequence[tuple[str, re.Pattern[str]]]


class Row(NamedTuple):
    """A row of a table: its cells, each one's pieces of text, the links and form fields inside, its heads, whether it holds a table."""

    node: LexborNode
    cells: list[LexborNode]
    said: list[list[str]]
    points: list[LexborNode]
    heads: list[LexborNode]
    nests: bool = False

    def told(self) -> list[str]:
        """Return the pieces of text of all cells, one after the other."""
        return [piece for pieces in self.said for piece in pieces]


def rows_of(tables: Iterable[LexborNode]) -> list[Row]:
    """Return the rows of these tables and of those inside them, each row once."""
    found: list[Row] = []
    seen: set[int] = set()
    for table in tables:
        if table.mem_id in seen:
            continue
        inner = table.css("table")  # the first is the table itself
        seen.update(node.mem_id for node in inner)
        found += _rows(table) if len(inner) == 1 else [_row(node) for node in table.css("tr")]
    return found


def _rows(table: LexborNode) -> list[Row]:
    """Return the rows of a table without another one inside: one look finds all there is."""
    found: list[Row] = []
    row = Row(table, [], [], [], [])
    for node in table.css("tr,td,th,a,input"):
        tag = node.tag
        if tag == "tr":
            row = Row(node, [], [], [], [])
            found.append(row)
        elif tag in ("a", "input"):
            row.points.append(node)
        else:
            row.cells.append(node)
            row.said.append(shown(node))
            if tag == "th":
                row.heads.append(node)
    return found


def _row(node: LexborNode) -> Row:
    cells = [cell for cell in node.iter() if cell.tag in ("td", "th")]
    nests = node.css_first("table") is not None
    return Row(node, cells, [shown(cell) for cell in cells], node.css("a,input"), node.css("th"), nests)


def heads(row: Row, words: Heads) -> list[str]:
    """Return for each column the first field whose words its head begins with; "" for a head without any, "other" for one of other words.

    A head that reaches over several columns heads them all.
    """
    found: list[str] = []
    for cell, pieces in zip(row.cells, row.said, strict=True):
        told = " ".join(pieces).lower().strip(" :")
        field = next((name for name, pattern in words if pattern.match(told)), "other" if told else "")
        found += [field] * span(cell)
    return found


def fields(row: Row, heads: Sequence[str]) -> Sequence[str]:
    """Return what the heads make of each cell of a row; "" of all where the row is not as wide as the heads."""
    if len(row.cells) <= len(heads):
        ends = list(accumulate(span(cell) for cell in row.cells))
        if ends and ends[-1] == len(heads):
            return heads if len(ends) == len(heads) else [heads[at] for at in (0, *ends[:-1])]
    return [""] * len(row.cells)


def span(cell: LexborNode) -> int:
    """Return over how many columns a cell reaches."""
    told = cell.attributes.get("colspan")
    return int(told) if told and told.isdigit() and 0 < int(told) < 100 else 1
