"""Tables of council pages: their rows with what each cell says, found in one look, and what the words at a column's head make of it."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from publisher.sources.pages_common import shown

Heads = Sequence[tuple[str, re.Pattern[str]]]


class Row(NamedTuple):
    """A row of a table: the links and form fields inside, whether it holds heads, wide cells, a table; what it says is read when asked."""

    node: LexborNode
    points: list[LexborNode]
    heads: bool
    wide: bool
    nests: bool

    def cells(self) -> list[LexborNode]:
        """Return the cells; they are not kept, for thousands of nodes kept cost time."""
        return [cell for cell in self.node.iter() if cell.tag in ("td", "th")]

    def told(self) -> list[str]:
        """Return the pieces of text of all cells, one after the other."""
        return shown(self.node)

    def said(self) -> list[list[str]]:
        """Return the pieces of text of each cell."""
        return [shown(cell) for cell in self.cells()]


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
    """Return the rows of a table without another one inside: one look finds all there is, in the order in which it stands."""
    found: list[tuple[LexborNode, list[LexborNode], set[str]]] = []
    points: list[LexborNode] = []
    cells: set[str] = set()
    for node in table.css("tr,th,td[colspan],a,input"):
        tag = node.tag
        if tag == "tr":
            points, cells = [], set()
            found.append((node, points, cells))
        elif tag == "th":
            cells.update(("head", "wide") if "colspan" in node.attributes else ("head",))
        elif tag == "td":
            cells.add("wide")
        else:
            points.append(node)
    return [Row(node, points, "head" in cells, "wide" in cells, nests=False) for node, points, cells in found]


def _row(node: LexborNode) -> Row:
    headed, nests = node.css_first("th") is not None, node.css_first("table") is not None
    return Row(node, node.css("a,input"), headed, wide=True, nests=nests)


def heads(row: Row, words: Heads) -> list[str]:
    """Return for each column the first field whose words its head begins with; "" for a head without any, "other" for one of other words.

    A head that reaches over several columns heads them all.
    """
    found: list[str] = []
    for cell in row.cells():
        told = " ".join(shown(cell)).lower().strip(" :")
        field = next((name for name, pattern in words if pattern.match(told)), "other" if told else "")
        found += [field] * span(cell)
    return found


def columns(row: Row, heads: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return what its head makes of each cell of a row, and its pieces of text; no head fits a row that is not as wide as they are."""
    cells = row.cells()
    return list(zip(_under(cells, row, heads), map(shown, cells), strict=True))


def _under(cells: Sequence[LexborNode], row: Row, heads: Sequence[str]) -> Sequence[str]:
    if row.wide and cells:
        *starts, width = accumulate((span(cell) for cell in cells), initial=0)
        return [heads[at] for at in starts] if width == len(heads) else [""] * len(cells)
    return heads if len(cells) == len(heads) else [""] * len(cells)


def span(cell: LexborNode) -> int:
    """Return over how many columns a cell reaches."""
    told = cell.attributes.get("colspan")
    return int(told) if told and told.isdigit() and 0 < int(told) < 100 else 1
