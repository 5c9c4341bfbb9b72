"""The Beratungsfolge on a classic ALLRIS paper's page: its stations, each with the dates it was, or will be, on."""

import re
from typing import Any

from selectolax.lexbor import LexborNode

from publisher.sources.allris3_frame import after, keys_in
from publisher.sources.columns import Row, rows_of
from publisher.sources.pages_common import DAY_LIKE, Sheet, dated, day, plain

OPEN = re.compile(r"\(?\s*(?:offen|noch offen|ohne)\s*\)?|-+", re.IGNORECASE)
ROLE = re.compile(r"entscheidung|vorberatung|anhörung|kenntnisnahme|information|beratung|behandlung|bericht|beschließend", re.IGNORECASE)
STATE = re.compile(r"(?:geplant|bereit|erledigt|offen|abgeschlossen|zurückgezogen|in beratung)", re.IGNORECASE)


def stations(page: Sheet, label: LexborNode) -> list[dict[str, Any]]:
    """Return the Beratungsfolge: a station's row names committee and role, each row of seven cells after it one of its dates.

    A station without such a row is planned without a date; one with two was postponed and taken up again.
    """
    row = label.parent
    below = after(row, "tr") if row is not None else None
    table = below.css_first("table") if below is not None else None
    found: list[dict[str, Any]] = []
    station: dict[str, Any] = {}
    open_station = False
    for line in rows_of([table]) if table is not None else ():
        cells = line.cells()
        said = _said(page, line, cells)
        if not any(said) or (line.heads and cells[0].tag == "th"):
            continue
        at = next((place for place, text in enumerate(said) if dated(text)), len(said))
        told = [text for text in said[:at] if text and not STATE.fullmatch(text)]
        state = plain(cells[0].attributes.get("title") or "") or next((text for text in said[:at] if STATE.fullmatch(text)), "")
        follows = at == len(said) and open_station and "SILFDNR" in keys_in(line.points)
        if (
            told and not follows and (at < len(said) or len(said) <= 4)
        ):  # a station begins; in some towns its first date stands in the same row
            found += [station] if open_station else []
            station, open_station = _full({"status": state} | _sits(page, told)), True
        if at < len(said) or follows or (len(said) > 4 and not told):
            open_station = False
            found.append(station | _detail(page, line, cells, said))
    return found + ([station] if open_station else [])


def _said(page: Sheet, row: Row, cells: list[LexborNode]) -> list[str]:
    """Return what each cell of a row says, on one line, and book it."""
    return [page.take(cell, "header" if row.heads and cell.tag == "th" else "") for cell in cells]


def _sits(page: Sheet, told: list[str]) -> dict[str, str]:
    """Return committee and role of a station, whichever stands first: a role is known by its word, else it is the second text."""
    role = next((text for text in told if ROLE.fullmatch(text)), "")
    others = [text for text in told if text != role]
    if len(others) > (1 if role else 2):
        page.note("unmapped", "text", "vo020.consultation", len(others) - 1)
    return {"organization": others[0] if others else "", "role": role or " ".join(others[1:2])}


def _detail(page: Sheet, row: Row, cells: list[LexborNode], said: list[str]) -> dict[str, Any]:
    """Return one date of a station: its columns found by the day and by the link to the meeting, for towns show more or fewer of them."""
    keys = keys_in(row.points)
    printed_at = next((at for at, text in enumerate(said) if dated(text)), None)
    linked = next((at for at, cell in enumerate(cells) if said[at] and at != printed_at and cell.css_first('a[href*="SILFDNR" i]')), None)
    if printed_at is None and linked is None:
        page.note("damage", "station_unreadable", "vo020.consultation")
        return {}
    printed = said[printed_at] if printed_at is not None else ""
    undated(page, printed, "vo020.consultation")
    at = linked if linked is not None else (printed_at or 0) + 2
    if linked is None and len(cells) != 7:  # a closed meeting bears no link, and the columns are not the usual ones
        at = next((place for place in range((printed_at or 0) + 1, len(said)) if said[place]), len(said))
    more = [text for text in said[at + 1 :] if text and text != printed]
    if len(more) > 1:
        page.note("unmapped", "text", "vo020.consultation", len(more) - 1)
    found = {
        "status": plain(cells[0].attributes.get("title") or ""), "day": day(printed), "name": said[at] if at < len(said) else "",
        "result": decided(more[0]) if more else "",
    }  # fmt: skip
    return _full(found | {"meeting": keys.get("SILFDNR"), "agendaItem": keys.get("TOLFDNR")})


def decided(text: str) -> str:
    """Return a result as printed; "(offen)" and dashes are none."""
    return "" if OPEN.fullmatch(text) else text


def undated(page: Sheet, text: str, path: str) -> None:
    """Note a day that is printed in a form which leaves it open: "03.11.25" may be of two centuries."""
    if DAY_LIKE.search(text) and not day(text):
        page.note("damage", "date", path)


def _full(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value or value not in (None, "", [], {})}
