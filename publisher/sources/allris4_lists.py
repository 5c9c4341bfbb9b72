"""Pure parsers of ALLRIS 4 lists: meetings (si018, si010), committees (gr010), one committee's members (gr020), one person (kp020)."""

import re
from collections.abc import Callable
from typing import Any

from selectolax.lexbor import LexborNode

from publisher.errors import Malformed
from publisher.sources.addresses import joined
from publisher.sources.allris3_frame import key_at, keys_in
from publisher.sources.allris3_lists import _period
from publisher.sources.allris3_pages import CANCELLED, ended
from publisher.sources.allris3_stations import _full
from publisher.sources.allris4_pages import Frame, opened, own_key, pieces
from publisher.sources.columns import heads, rows_of
from publisher.sources.pages_common import HOUR, day, hours, key_in, number, plain
from publisher.sources.rosters import ROSTER, member

SELF = re.compile(r'"u"\s*:\s*"([^"]{0,400}?(?:si018|si010|gr010)\?\d+-\d+\.0-[^"]*)"')
NEXT = re.compile(r'"u"\s*:\s*"([^"]*navigator-next)"')
LINKED = re.compile(r"silink_(\d{1,18})$")
KINDS = {"rat": "Gremium", "ausschuss": "Gremium", "ausschüsse": "Gremium", "fraktion": "Fraktion", "gruppe": "Fraktion"}


def shell(parser: Callable[[bytes | str, str], dict[str, Any]]) -> Callable[[bytes | str, str], dict[str, Any]]:
    """Return a parser of a list's first page: where Wicket fetches the list from ("next"), or the list itself where the page shows it.

    The address counts up with each page of a visit, so it is read, never made.
    """

    def first(body: bytes | str, url: str) -> dict[str, Any]:
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        hit = SELF.search(text)
        return {"kind": "shell", "next": _absolute(url, hit[1]), "notes": []} if hit else parser(body, url)

    return first


def _absolute(url: str, href: str) -> str:
    return joined(url, href.replace("\\/", "/"))


def meetings(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the meetings listed and the address of the next page. Raises Malformed if it is neither a list nor an Ajax answer.

    A row's key stands in its link (SILFDNR=) or, without any address, in its id (silink_1003198); towns differ.
    """
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    frame = opened(pieces(body), url, "table,.emptyList,#noData")
    found: dict[str, dict[str, Any]] = {}
    for row in rows_of(frame.main.css("table")):
        cells = row.cells()
        if not cells or row.nests:
            continue
        key = keys_in(row.points).get("SILFDNR") or _linked(row.node)
        said = [frame.page.take(cell, "" if key else "header") for cell in cells]
        if key and key not in found:
            found[key] = {"key": key} | _meeting(said, _named(row.node))
    hit = NEXT.search(text)
    facts = {"kind": "meetings", "meetings": list(found.values()), "next": _absolute(url, hit[1]) if hit else None}
    return ended(frame.page, facts, "si018")


def _linked(row: LexborNode) -> str | None:
    ids = (LINKED.search(node.id or "") for node in row.css('[id^="silink_"]'))
    return next((number(hit[1]) for hit in ids if hit), None)


def _named(row: LexborNode) -> str:
    """Return the words of the link that leads to a row's meeting, "" where it has none: columns in front differ."""
    links = row.css('a[href*="SILFDNR=" i],[id^="silink_"]')
    return next((words for link in links if (words := plain(link.text())) and not words.isdigit() and not day(words)), "")


def _meeting(said: list[str], linked: str) -> dict[str, Any]:
    at = next((found for text in said if (found := day(text))), None)
    clock = next((text for text in said if HOUR.search(text) and len(text) < 40), "")
    start, end = hours(clock)
    name = linked or next((text for text in said if text and text != clock and not day(text) and not text.isdigit()), "")
    return _full({"day": at, "start": start, "end": end, "name": name}) | {"agenda": True, "cancelled": bool(CANCELLED.search(name))}


def organizations(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the committees of gr010: key "gr-12", name, classification from the row above its group. Raises Malformed."""
    frame = opened(pieces(body), url, "table,.emptyList,#noData")
    found: dict[str, dict[str, Any]] = {}
    group = ""
    for row in rows_of(frame.main.css("table")):
        link = row.node.css_first('a[href*="GRLFDNR=" i]')
        key = key_in(link.attributes.get("href"), "GRLFDNR") if link is not None else None
        cells = row.cells()
        said = [frame.page.take(cell, "" if key and at == 0 else "statistics") for at, cell in enumerate(cells)]
        if not key and cells and cells[0].tag == "td" and len(alone := [text for text in said if text]) == 1:
            group = alone[0]
        if key and link is not None and f"gr-{key}" not in found:
            name = plain(link.text()) or said[0]
            found[f"gr-{key}"] = _full({"key": f"gr-{key}", "name": name, "classification": group, "organizationType": _kind(group)})
    return ended(frame.page, {"kind": "organizations", "organization": list(found.values())}, "gr010")


def _kind(group: str) -> str | None:
    word = group.lower()
    return next((kind for name, kind in KINDS.items() if name in word), None)


def organization(body: bytes | str, url: str) -> dict[str, Any]:
    """Return name and members of a committee (gr020). Raises Malformed."""
    frame = opened(pieces(body), url, "table,dl dt")
    page = frame.page
    facts: dict[str, Any] = {"kind": "organization", "key": f"gr-{own_key(frame, 'GRLFDNR')}", "name": frame.title, "member": []}
    withheld, roster = 0, list[str]()
    for row in rows_of(frame.main.css("table")):
        if row.nests:
            continue
        link = row.node.css_first('a[href*="KPLFDNR=" i]')
        key = key_at(row.node, "KPLFDNR")
        told = row.told()
        name = plain(link.text()) if link is not None else " ".join(told[:1])
        if key and name:
            facts["member"].append(_full({"key": key, "name": name} | member(page, roster, row, name)))
            continue
        page.book(told, "header" if row.heads else "withheld")
        withheld += 0 if row.heads else len(told)
        roster = heads(row, ROSTER) if row.heads else roster
    _contact(frame, "organization.location", withheld)
    return ended(page, facts, "gr020")


def person(body: bytes | str, url: str) -> dict[str, Any]:
    """Return name and memberships of a person (kp020); everything else of that page is withheld and counted. Raises Malformed."""
    frame = opened(pieces(body), url, "table,dl dt")
    page = frame.page
    facts: dict[str, Any] = {"kind": "person", "key": own_key(frame, "KPLFDNR"), "name": frame.title, "membership": []}
    withheld = 0
    for row in rows_of(frame.main.css("table")):
        if row.nests:
            continue
        key = key_at(row.node, "GRLFDNR")
        told = page.book(row.told(), "" if key else "header" if row.heads else "withheld")
        withheld += 0 if key or row.heads else len(told)
        if key and told:
            link = row.node.css_first('a[href*="GRLFDNR=" i]')
            name = (plain(link.text()) if link is not None else "") or told[0]
            rest = [text for text in told if text != name and not text.isdigit()]
            facts["membership"].append(_full({"organization": f"gr-{key}", "name": name}) | _period(page, rest))
    _contact(frame, "person.location", withheld)
    return ended(page, facts, "kp020")


def _contact(frame: Frame, path: str, withheld: int) -> None:
    for node in frame.main.css("dl"):
        withheld += len(frame.page.block(node, "withheld"))
    for heading in frame.main.css("h2,h3"):
        frame.page.block(heading, "header")
    if withheld:
        frame.page.note("withheld", "contact", path, withheld)


def papers(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the papers that a vo040 page lists. Raises Malformed."""
    frame = opened(pieces(body), url, "table,.emptyList,#noData")
    found: dict[str, dict[str, Any]] = {}
    for row in rows_of(frame.main.css("table")):
        key = key_at(row.node, "VOLFDNR")
        said = [frame.page.take(cell, "" if key else "header") for cell in row.cells()]
        if key:
            found.setdefault(key, _full({"key": key, "date": next((at for text in said if (at := day(text))), None)}))
    if not found and frame.main.css_first("table") is None:
        raise Malformed(url, "a list of papers")
    return ended(frame.page, {"kind": "papers", "paper": list(found.values())}, "vo040")
