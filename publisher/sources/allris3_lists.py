"""Pure parsers of classic ALLRIS pages that list things: calendar, meetings, papers, committees, factions, members, one person."""

import re
from typing import Any

from selectolax.lexbor import LexborNode

from publisher.errors import Malformed
from publisher.sources.addresses import joined
from publisher.sources.allris3_frame import inputs, keys_in, opened, own_key
from publisher.sources.allris3_pages import CANCELLED, ORGANIZATION, ended
from publisher.sources.allris3_stations import _full, undated
from publisher.sources.columns import Row, columns, heads, rows_of
from publisher.sources.pages_common import CLOCK, DAY_LIKE, GROUP, HOUR, MONTHS, Sheet, dated, day, hours, key_in, plain, slug
from publisher.sources.rosters import ROSTER, member, says_role

WEEKDAY = re.compile(r"(?:Mo|Di|Mi|Do|Fr|Sa|So)\.?")
MONTH = re.compile(r"([A-Za-zä]{3,9})\.?\s+(\d{4})")
PERIOD = re.compile(r"\s+[-–]\s+|(?<=\d{4})\s?[-–]\s?(?=\d{1,2}\.)|\bbis\b", re.IGNORECASE)
CALENDAR = (("room", re.compile(r"(?:sitzungs)?(?:raum|ort|saal)\b")),)
SITTING = re.compile(r"\bsitzung\b\s*(?:\b(des|der|vom)\s+)?", re.IGNORECASE)
COMMITTEE = re.compile(
    r"ausschu(?:ss|ß)(?:es|sitzung)?\b|beirat(?:e?s)?\b|(?:^|\b(?:der|des) |stadt|gemeinde|kreis|orts?|ortschafts|bezirks|verwaltungs|"
    r"aufsichts|markt|städteregions|ältesten|integrations|senioren|jugend)rat(?:e?s|ssitzung)?\b|(?<!bürger)(?<!einwohner)versammlung\b|kommission\b|"
    r"fraktion(?:ssitzung)?\b|kreistag(?:e?s)?\b|vorstand(?:e?s)?\b|kuratorium|magistrat",
    re.IGNORECASE,
)
TITLES = re.compile(r"(?:(?:Prof|Dr|Dipl|Mag|Ing|h\. ?c|med|jur|phil|rer|nat|habil|MdL|MdB)\b\.?(?:-[A-Z][a-z]+\.?)?\s*)+")


def calendar(html: bytes | str, url: str) -> dict[str, Any]:
    """Return the month ("2023-10") and the meetings of a si010 page. Raises Malformed.

    The day stands once for several meetings. A row without SILFDNR is a meeting where it names a committee, for committee and day
    make a natural key; "Schulferien" and holidays are none.
    """
    frame = opened(html, url, "table.tl1")
    page, main = frame.page, frame.main
    month = _month(page, main)
    meetings: list[dict[str, Any]] = []
    today: str | None = None
    shape: list[str] = []
    for row in rows_of(main.css("table.tl1")):
        told = row.told()
        if row.heads:
            shape = heads(row, CALENDAR)
        if len(told) > 1 and told[1].isdigit() and WEEKDAY.fullmatch(told[0]):
            today = day(f"{told[1]}.{month[5:]}.{month[:4]}")
            page.rules.setdefault("day", []).extend(told[:2])
            told = told[2:]
        elif told and (told[0].isdigit() or WEEKDAY.fullmatch(told[0])):  # half of a day is none
            page.note("damage", "date", "si010.day")
            page.rules.setdefault("day", []).append(told.pop(0))
            today = None
        key = keys_in(row.points).get("SILFDNR") if told else None
        room = _room(row, shape) if told else None
        entry = _listed(row.points, told, key, today, room) if key else {} if row.heads else unkeyed(page, told, today, "si010", room)
        (page.used if entry else page.rules.setdefault("no meeting", [])).extend(told)
        _add(page, meetings, entry, "si010")
    for cell in main.css("table:not(.tl1) > tbody > tr > td"):
        if cell.css_first("table,h2") is None:
            page.take(cell, "navigation")
    return ended(page, {"kind": "calendar", "month": month, "meetings": meetings}, "si010")


def _add(page: Sheet, meetings: list[dict[str, Any]], entry: dict[str, Any], name: str) -> None:
    """Keep a row's meeting; one listed already is the same, two of one committee on one day without keys cannot be told apart."""
    if not entry:
        return
    if all(other["key"] != entry["key"] for other in meetings):
        meetings.append(entry)
    elif "organization" in entry:
        page.note("damage", "twice", f"{name}.{entry['key']}")


def unkeyed(page: Sheet, told: list[str], today: str | None, name: str, room: str | None = None) -> dict[str, Any]:
    """Return the meeting of a row without SILFDNR: its key is committee and day; empty, and noted, where either stays open."""
    entry = _listed([], told, "", today, room)
    committee, meets = sitting_of(entry.get("name", ""))
    if slug(committee) and today:
        return entry | {"key": f"{slug(committee)}-{today}", "organization": {"name": committee}}
    if meets or "start" in entry:
        page.note("damage", "entry_without_key", f"{name}.meeting")
    return {}


def sitting_of(title: str) -> tuple[str, bool]:
    """Return the committee that a calendar's title names, and whether it is a meeting's title at all.

    "ENTFÄLLT! 12. Sitzung des Bauausschusses" -> ("Bauausschusses", True), "Sitzungsferien" -> ("", False).
    """
    bare = CANCELLED.sub("", re.sub(r"\([^()]*\)", "", title))
    hit = SITTING.search(bare)
    named = plain(bare[hit.end() :] if hit else bare).strip(" -–:!*.,")
    known = COMMITTEE.search(named) is not None
    return (named if known or (hit and hit[1]) else ""), bool(hit) or known


def _month(page: Sheet, main: LexborNode) -> str:
    """Return the month shown: of the heading, else of the form's first day, else of the address."""
    for heading in main.css("h2"):
        if (hit := MONTH.search(page.take(heading))) and (at := MONTHS.get(hit[1][:3].lower())):
            return f"{hit[2]}-{at:02d}"
    for name, value, _ in inputs(main):
        if name == "KALDATVON" and (first := day(value)):
            return first[:7]
    raise Malformed(page.url, "a calendar that names its month")


def _room(row: Row, shape: list[str]) -> str | None:
    """Return the text under the heading of the rooms, "" if nothing stands there; None where no heading fits."""
    found = columns(row, shape) if shape else []
    return next((" ".join(pieces) for field, pieces in found if field == "room"), "") if any(field for field, _ in found) else None


def _listed(points: list[LexborNode], texts: list[str], key: str, today: str | None, room: str | None = None) -> dict[str, Any]:
    """Return one meeting of a list; where no heading told which column is the `room`, it is the last text."""
    rest = [text for text in texts if text]
    time = next((text for text in rest if len(text) < 30 and (HOUR.search(text) or CLOCK.fullmatch(text))), "")
    links = (plain(point.text()) for point in points if point.tag == "a" and "SILFDNR" in (point.attributes.get("href") or "").upper())
    link = next((text for text in links if text), "")
    others = [text for text in rest if text not in (time, link, room)]
    name = link or (others.pop(0) if others else "")
    start, end = hours(time)
    if room is None:
        room = others[-1] if others else ""
    found = {"key": key, "day": today, "start": start, "end": end, "name": name, "room": room}
    return _full(found | {"agenda": bool(link), "cancelled": bool(CANCELLED.search(name))})


def meetings(html: bytes | str, url: str) -> dict[str, Any]:
    """Return the meetings that a si018 page lists, each with its own day. Raises Malformed."""
    frame = opened(html, url, "table")
    page, main = frame.page, frame.main
    found: list[dict[str, Any]] = []
    for row in rows_of(main.css("table")):
        if row.nests:
            continue
        key = keys_in(row.points).get("SILFDNR")
        texts = [" ".join(pieces) for pieces in row.said()]
        at = next((text for text in texts if dated(text)), "")
        rest = [text.replace(at, "") if text == at else text for text in texts]
        if key or (at and not row.heads):
            undated(page, at, "si018.day")
            entry = _listed(row.points, rest, key, day(at)) if key else unkeyed(page, rest, day(at), "si018")
            _add(page, found, entry, "si018")
            key = entry.get("key")
        page.book(row.told(), "" if key else "header")
    return ended(page, {"kind": "meetings", "meetings": found, "next": _next(main, url)}, "si018")


def papers(html: bytes | str, url: str) -> dict[str, Any]:
    """Return the papers that a vo040 page lists (key, reference, name, date, paperType) and the address of the next page.

    The date is that of the column shown: "Angel." (laid down) or "Freig." (released). Raises Malformed.
    """
    frame = opened(html, url, "table.tl1")
    page, main = frame.page, frame.main
    found: dict[str, dict[str, Any]] = {}
    for row in rows_of(main.css("table.tl1")):
        links = ((point, point.attributes.get("href") or "") for point in row.points if point.tag == "a")
        link, href = next(((point, href) for point, href in links if "VOLFDNR=" in href.upper()), (None, ""))
        key = key_in(href, "VOLFDNR")
        told = page.book(row.told(), "" if key else "header")
        if link is not None and key and key not in found:
            at = next((text for text in told if dated(text) and len(text) < 20), "")
            undated(page, at, "vo040.date")
            found[key] = {"key": key} | _paper(link, told, at)
    if not found and any(DAY_LIKE.fullmatch(text) for text in page.rules.get("header", ())):
        raise Malformed(url, "a list whose papers carry VOLFDNR")
    facts = {"kind": "papers", "paper": list(found.values()), "next": _next(main, url)}
    return ended(page, facts, "vo040")


def _paper(link: LexborNode, told: list[str], at: str) -> dict[str, Any]:
    raw = (link.text() or "").strip()
    reference, gap, name = raw.partition("\xa0")
    if not gap:
        reference, name = "", raw
    kind = told[-1] if told and told[-1] not in (plain(raw), at) else ""
    return _full({"reference": plain(reference), "name": plain(name), "date": day(at), "paperType": kind})


def _next(main: LexborNode, url: str) -> str | None:
    for link in main.css("a"):
        href = link.attributes.get("href") or ""
        if href and ("shownext=true" in href.lower() or plain(link.text()).lower().startswith(("nächste", "weiter"))):
            return joined(url, href)
    return None


def organizations(html: bytes | str, url: str) -> dict[str, Any]:
    """Return the committees (au010), factions (fr010) or councils (pa010) listed: key "au-235", name, endDate. Raises Malformed."""
    frame = opened(html, url, "table")
    page, main = frame.page, frame.main
    found: dict[str, dict[str, Any]] = {}
    for row in rows_of(main.css("table")):
        link = next((point for point in row.points if "LFDNR=" in (point.attributes.get("href") or "").upper()), None)
        href = link.attributes.get("href") if link is not None else None
        key = next((f"{word}-{number}" for name, word in ORGANIZATION[:4] if (number := key_in(href, name))), None)
        if key is None and row.nests:
            continue
        told = row.told()
        name = plain(link.text()) if key and link is not None else ""
        if name in told:
            told.insert(0, told.pop(told.index(name)))
        page.used.extend(told[:1] if key else ())
        page.rules.setdefault("statistics", []).extend(told[1:] if key else told)
        if key and told and key not in found:
            until = next((text for text in told[1:] if "bis" in text.lower() and dated(text)), "")
            undated(page, until, "au010.endDate")
            found[key] = _full({"key": key, "name": told[0], "endDate": day(until)})
    return ended(page, {"kind": "organizations", "organization": list(found.values())}, "au010")


def organization(html: bytes | str, url: str) -> dict[str, Any]:
    """Return name and members of a committee (au020), faction (fr020) or council (pa020). Raises Malformed.

    The block "Anschrift" names clerks and private telephones; only the homepage is read from it, the rest is withheld and counted.
    """
    frame = opened(html, url, "table.tl1")
    page, main = frame.page, frame.main
    parameter, word = next(((name, word) for name, word in ORGANIZATION[:4] if key_in(url, name)), ("", ""))
    if not parameter:
        raise Malformed(url, "an address with AULFDNR, FRLFDNR, PALFDNR or GRLFDNR")
    facts: dict[str, Any] = {"kind": "organization", "key": f"{word}-{own_key(frame, parameter)}", "name": frame.title}
    rows = rows_of(main.css("table.tl1"))
    roster = next((heads(row, ROSTER) for row in rows if row.heads), [])
    facts["member"] = [found for row in rows if (found := _member(page, row, roster))]
    if closed := len(page.rules.get("withheld", ())):
        page.note("withheld", "member without page", "organization.membership", closed)
    _contact(page, main, facts)
    for heading in main.css("h3"):
        if heading.parent is not None and heading.parent.tag != "a":
            page.take(heading, "header")
    return ended(page, facts, "au020")


def _member(page: Sheet, row: Row, roster: list[str]) -> dict[str, Any] | None:
    key, name = None, ""
    for link in row.points:
        if found := key_in(link.attributes.get("href"), "KPLFDNR"):
            key, name = key or found, name or plain(link.text())
    key = key or keys_in(row.points).get("KPLFDNR")
    # A member whom the town gives no page has no key: nobody could tell two of one name apart (seen: Bergedorf, "zubenannte Bürger").
    if not key:
        page.book(row.told(), "header" if row.heads else "withheld")
        return None
    if not name:
        if page.book(row.told(), "withheld"):
            page.note("damage", "member_without_name", "organization.membership")
        return None
    return _full({"key": key, "name": name} | member(page, roster, row, name))


def _contact(page: Sheet, main: LexborNode, facts: dict[str, Any]) -> None:
    withheld = 0
    cells = [cell for row in main.css("table:not(.tl1) > tbody > tr") for cell in row.iter()]
    for cell in cells:
        inner = cell.css("table,h3,a") if cell.tag == "td" else []
        tags = [node.tag for node in inner]
        if cell.tag != "td" or "table" in tags:
            continue
        if "website" not in facts and (home := _website(inner)):
            facts["website"] = home
            page.block(cell)
        elif "h3" in tags:
            page.block(cell, "menu")
        else:
            withheld += len(page.block(cell, "withheld"))
    for cell in cells:
        if cell.tag == "th":
            page.block(cell, "statistics")
    if withheld:
        page.note("withheld", "contact", "organization.location", withheld)


def _website(nodes: list[LexborNode]) -> str:
    links = (node.attributes.get("href") or "" for node in nodes if node.tag == "a")
    return plain(next((href for href in links if href.startswith("http")), ""))


def person(html: bytes | str, url: str) -> dict[str, Any]:
    """Return name and memberships (organization, role, startDate, endDate) of a kp020 page. Raises Malformed.

    Address, telephone, mail, profession and everything else of that page is withheld and counted.
    """
    frame = opened(html, url, "table")
    page, main = frame.page, frame.main
    facts: dict[str, Any] = {"kind": "person", "key": own_key(frame, "KPLFDNR"), "name": frame.title}
    found: list[dict[str, Any]] = []
    withheld = 0
    for row in rows_of(main.css("table")):
        if row.nests:
            continue
        keys = keys_in(row.points)
        key = next((f"{word}-{keys[parameter]}" for parameter, word in ORGANIZATION[:4] if parameter in keys), None)
        if key is None:
            for cell, pieces in zip(row.cells(), row.said(), strict=True):
                withheld += len(page.book(pieces, "withheld" if cell.tag == "td" else "header"))
            continue
        page.book(row.told())
        texts = [" ".join(pieces) for pieces in row.said() if pieces]
        found.append(_full({"organization": key, "name": (texts + [""])[0]}) | _period(page, texts[1:]))
    facts["membership"] = found
    if withheld:
        page.note("withheld", "contact", "person.location", withheld)
    return ended(page, facts, "kp020")


def _period(page: Sheet, texts: list[str]) -> dict[str, Any]:
    """Return role and days: ["Mitglied", "14.07.1999 - 13.12.1999"], ["Mitglied", "seit 02.07.2014"]."""
    period = next((text for text in texts if dated(text)), "")
    undated(page, period, "kp020.membership")
    others = [text for text in texts if text != period and "keine" not in text.lower()]
    role = next((text for text in others if says_role(text)), next((text for text in others if not GROUP.search(text)), ""))
    days = [day(part) for part in PERIOD.split(period)]
    if days[0] and period.lstrip().startswith(("-", "–")):
        days.insert(0, None)
    return _full({"role": role, "startDate": (days + [None])[0], "endDate": (days + [None, None])[1]})


def named(name: str) -> dict[str, Any]:
    """Return a Person's names of one as printed: "Dr. Meier, Eva" -> familyName, givenName, title; without a comma nothing is guessed."""
    name = plain(name)
    name = re.sub(r"^(?:Herr|Frau)\s+", "", name)
    hit = TITLES.match(name)
    title = hit[0].strip() if hit else ""
    rest = name[hit.end() :] if hit else name
    family, comma, given = (part.strip() for part in rest.partition(","))
    inner = TITLES.match(given)
    if inner:
        title, given = f"{title} {inner[0]}".strip(), given[inner.end() :]
    if comma and family and given and "," not in given:
        whole = " ".join(part for part in (title, given, family) if part)
        return _full({"name": whole, "familyName": family, "givenName": given, "title": [title] if title else []})
    return _full({"name": name, "title": [title] if title else []})
