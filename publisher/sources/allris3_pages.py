"""Pure parsers of classic ALLRIS pages about one thing: a paper (vo020), an agenda (to010), an agenda item (to020)."""

import re
from typing import Any

from selectolax.lexbor import LexborNode

from publisher.sources.allris3_frame import (
    Frame,
    Value,
    authors,
    field_of,
    opened,
    own_key,
    texts,
    values,
)
from publisher.sources.allris3_stations import _full, decided, stations, undated
from publisher.sources.columns import Row, columns, heads, rows_of
from publisher.sources.pages_common import Sheet, booked, day, groups, hours, key_in, plain, shown
from publisher.sources.pages_common import number as number_of

CANCELLED = re.compile(r"entf(?:ä|ae)llt|abgesagt|fällt aus|ausgefallen|aufgehoben", re.IGNORECASE)
ORGANIZATION = (("AULFDNR", "au"), ("FRLFDNR", "fr"), ("PALFDNR", "pa"), ("GRLFDNR", "gr"), ("KPLFDNR", "kp"))
POINT = re.compile(r"(?:TOP\s*)?(?:Ö|N|NÖ)\s*\d[\d.]*(?:\s?[a-z])?|(?:TOP\s*)?\d+(?:\.\d+)*\.?(?:\s?[a-z])?", re.IGNORECASE)
PUBLICITY = re.compile(r"(?:TOP\s*)?(?:(ö(?:ff(?:entlich|\.)?)?)|n(?:ö|icht\s?öff(?:entlich|\.)?)?)(?=[\s\d.]|$)", re.IGNORECASE)
HEADED = re.compile(r"(?:([^\W\d][\w-]{0,60}?)?(?:[\s-]*+(?:Nr|Nummer)\b\.?)?[\s:]++)?(\S++)")
SUBJECT = re.compile(r"\s+[-–]\s+(?=[^\W\d]{4,}(?:\s|$))")
AGENDA = (
    ("number", re.compile(r"top\b|nr\b|punkt\b|tagesordnungspunkt\b")),
    ("result", re.compile(r"beschluss(?:art)?\b|beschlu(?:ß|ss)art|ergebnis|abstimmung|beratungsergebnis|votum")),
    ("name", re.compile(r"betreff|bezeichnung|titel|gegenstand|thema|inhalt|tagesordnung\b")),
)
COMMENT = re.compile(r"<!--\s*(\d{1,18})\s*-->")
CLERKS = re.compile(r"(?<!\s)\s*+\b(?:verfasser|bearbeiter|ansprechpartner|ansprechperson|antragsteller)[^:]{0,12}:\s*", re.IGNORECASE)


def paper(html: bytes | str, url: str) -> dict[str, Any]:
    """Return what a vo020 page says of one Paper. Raises Malformed."""
    frame = opened(html, url, ".kb1")
    facts: dict[str, Any] = {"kind": "paper", "key": own_key(frame, "VOLFDNR")} | reference(frame.title)
    head(frame, facts, "vo020")
    facts["section"] = [{"anchor": code} | part for code, part in texts(frame).items()]
    attached(frame, facts)
    menus(frame)
    return ended(frame.page, facts, "vo020")


def reference(title: str) -> dict[str, str]:
    """Return the local name of the kind of paper and its number of a heading: "Drucksache - 22-2362", "Vorlage-Nr. 12/2020"."""
    word, dash, told = re.sub(r"\s[–—]\s", " - ", title).partition(" - ")
    told = SUBJECT.split(told)[0].strip()
    if dash and re.search(r"\d", told):
        return {"word": word.strip(), "reference": told}
    hit = HEADED.fullmatch(title.strip())
    if hit and re.search(r"\d" if hit[1] else r"\d[/-]", hit[2]):
        return {"word": hit[1] or "", "reference": hit[2]}
    return {"word": word.strip()}


def head(frame: Frame, facts: dict[str, Any], name: str) -> None:
    """Fill `facts` from the labelled values of a paper's head."""
    page = frame.page
    for value in values(frame, name):
        if value.field == "stations":
            facts["consultation"] = stations(page, value.cell)
        elif value.field == "files":
            facts.setdefault("attachment", [])
        elif value.field in ("author", "clerk"):
            facts["originator"] = facts.get("originator", []) + authors(page, value, name)
        elif value.field in ("underDirectionOf", "involved"):
            facts[value.field] = facts.get(value.field, []) + [
                part.strip() for line in value.lines for part in line.split(";") if part.strip()
            ]
        elif value.field in ("related", "superordinated", "subordinated"):
            facts[value.field] = facts.get(value.field, []) + related(value)
        elif value.lines:
            facts.setdefault("date" if value.field == "date" else value.field, " ".join(value.lines))
    if "date" in facts:
        undated(page, facts["date"], f"{name}.date")
        facts["date"] = day(facts["date"])


def related(value: Value) -> list[dict[str, str]]:
    """Return the papers that a cell links to: key and reference as printed."""
    found = {}
    for link in value.cell.css('a[href*="VOLFDNR" i]'):
        if key := key_in(link.attributes.get("href"), "VOLFDNR"):
            found[key] = {"key": key, "name": plain(link.text())}
    return list(found.values()) or [{"name": line} for line in value.lines]


def attached(frame: Frame, facts: dict[str, Any]) -> None:
    """Fill in the files: lasting ones with their key, names of those whose address dies with the session."""
    page = frame.page
    tables = {}
    for cell, pieces in frame.labels:
        if field_of(" ".join(pieces)) == "files" and cell.parent is not None and (table := cell.parent.parent) is not None:
            tables[table.mem_id] = table
    for table in tables.values():
        page.used.extend(line for line in shown(table) if field_of(line) != "files")
    if frame.dying:
        facts["attachment"] = list(dict.fromkeys(frame.dying))
        page.note("damage", "session-link", "auxiliaryFile", len(facts["attachment"]))
    facts["file"] = frame.documents


def menus(frame: Frame) -> None:
    """Book the box at the right, which only repeats the names of texts and files."""
    for cell in frame.boxes:
        if cell.css_first("table") is None:
            frame.page.take(cell, "menu")


def agenda(html: bytes | str, url: str) -> dict[str, Any]:
    """Return what a to010 page says of one Meeting and its AgendaItems. Raises Malformed."""
    frame = opened(html, url, ".kb1")
    page, title = frame.page, frame.title
    facts: dict[str, Any] = {"kind": "meeting", "key": own_key(frame, "SILFDNR")}
    sitting(frame, facts, "to010")
    facts.setdefault("name", title.partition(" - ")[2] or title)
    if CANCELLED.search(f"{facts['name']} {facts.get('status', '')} {facts.get('extra', '')}"):
        facts["cancelled"] = True
    table = frame.main.css_first("table.tl1")
    facts["agendaItem"] = items(frame, table) if table is not None else []
    ours = {entry["key"] for item in facts["agendaItem"] for entry in item.get("file", ())}
    facts["file"] = [entry for entry in frame.documents if entry["key"] not in ours]
    facts["section"] = [{"anchor": code} | part for code, part in texts(frame).items()]
    menus(frame)
    return ended(page, facts, "to010")


def sitting(frame: Frame, facts: dict[str, Any], name: str) -> None:
    """Fill `facts` from the labelled values that describe a meeting."""
    page = frame.page
    for value in values(frame, name):
        text = " ".join(value.lines)
        if value.field == "organization":
            facts["organization"] = _full({"key": _committee(value.cell), "name": text})
        elif value.field == "date":
            facts["day"] = day(text)
            if not facts["day"]:
                page.note("damage", "date", f"{name}.{value.label}")
        elif value.field in ("time", "end"):
            start, end = hours(text)
            facts |= {"end": start} if value.field == "end" else {"start": start, "end": end or facts.get("end")}
            if text and not start:
                page.note("damage", "time", f"{name}.{value.label}")
        elif value.field in ("author", "clerk"):
            authors(page, value, name)
        elif text:
            facts.setdefault(value.field, text)


def _committee(cell: LexborNode) -> str | None:
    for link in cell.css("a"):
        for parameter, word in ORGANIZATION[:4]:
            if key := key_in(link.attributes.get("href"), parameter):
                return f"{word}-{key}"
    return None


def items(frame: Frame, table: LexborNode) -> list[dict[str, Any]]:
    """Return the agenda items in their order; a row without number and name holds files of the item before it."""
    page = frame.page
    files = {entry["key"]: entry for entry in frame.documents}
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    shape: list[str] = []
    usual = False  # number first, names before all else, no results: the row as it runs says it all
    for row in rows_of([table]):
        cells = row.cells()
        if not cells or row.heads:
            page.book(row.told(), "header")
            shape = heads(row, AGENDA) if row.heads else shape
            front = shape[: shape.index("name", 1)] if "name" in shape[1:] else ["other"]
            usual = front[0] == "number" and "other" not in front and "result" not in shape
            continue
        item = _item(page, row, [("", shown(cells[0]))] if usual else columns(row, shape), files)
        if item is None:
            continue
        if "key" not in item and "name" not in item:
            if found and "file" in item:
                found[-1].setdefault("file", []).extend(item["file"])
        elif item.get("key") in seen:
            page.note("damage", "twice", f"agendaItem.{item['key']}")
        else:
            seen.add(item.get("key", ""))
            found.append(item)
    return found


def _item(page: Sheet, row: Row, told: list[tuple[str, list[str]]], files: dict[str, dict[str, str]]) -> dict[str, Any] | None:
    said = page.book(row.told())
    if not row.points and not said:
        return None
    head = next((pieces for field, pieces in told if field == "number"), told[0][1])
    if not head and said and POINT.fullmatch(said[0]):
        head = said[:1]  # a column more in front
    number, public = numbered(" ".join(head))
    item: dict[str, Any] = {"key": None, "number": number, "public": public}
    rest = _without(said, head)
    for field, pieces in told:
        if field == "result" and pieces:
            item["result"] = decided(" ".join(pieces))
            rest = _without(rest, pieces)
    for point in row.points:
        attributes = point.attributes
        if attributes.get("href") is None:
            _field(attributes, item, files)
        else:
            _link(point, attributes["href"] or "", item, rest)
        if "Nachtrag" in (attributes.get("title") or ""):
            item["supplement"] = True
    _rest(page, item, next((pieces for field, pieces in told if field == "name"), []), rest)
    if item["key"] is None and (comment := COMMENT.search(row.node.html or "")):
        item["key"] = number_of(comment[1])
    return _full(_named(page, item))


def _without(said: list[str], pieces: list[str]) -> list[str]:
    """Return what is said without these pieces, where they stand one after another."""
    size = len(pieces)
    for at in range(len(said) if size else 0):
        if said[at : at + size] == pieces:
            return said[:at] + said[at + size :]
    return said[:]


def _rest(page: Sheet, item: dict[str, Any], named: list[str], rest: list[str]) -> None:
    """Name an item that no link names by the column of names, else by all words left; words beside a name are noted."""
    if "name" not in item:
        item["name"] = " ".join(named or rest)
        rest = _without(rest, named) if named else []
    if rest and item["name"]:
        page.note("unmapped", "text", "agendaItem", len(rest))


def _link(link: LexborNode, href: str, item: dict[str, Any], rest: list[str]) -> None:
    """Take keys, name and reference from one link of an item's row; what it shows is gone from `rest`."""
    lower = href.lower()
    if key := key_in(href, "TOLFDNR"):
        item["key"] = item["key"] or key
        if "to020" in lower and "name" not in item:
            item["page"] = True
            _name(link, item, rest)
    elif key := key_in(href, "VOLFDNR"):
        item.setdefault("paper", key)
        _reference(link, item, rest)
    elif key := key_in(href, "SILFDNR"):
        item["minutesOf"] = key
        _reference(link, item, rest)


def _name(link: LexborNode, item: dict[str, Any], rest: list[str]) -> None:
    pieces = shown(link)
    if pieces and pieces[-1].endswith(")") and (extra := link.css_first('span[title="Zusatzinfo"]')) is not None:
        added = shown(extra)
        item["extra"] = " ".join(added).strip("() ")
        item["name"] = " ".join(pieces[: len(pieces) - len(added)])
    else:
        item["name"] = " ".join(pieces)
    rest[:] = _without(rest, pieces)


def _reference(link: LexborNode, item: dict[str, Any], rest: list[str]) -> None:
    pieces = shown(link)
    if pieces and len(left := _without(rest, pieces)) < len(rest):
        item["reference"] = " ".join(pieces)
        rest[:] = left


def _field(attributes: dict[str, str | None], item: dict[str, Any], files: dict[str, dict[str, str]]) -> None:
    """Take key, result and files from one form field of an item's row."""
    name = (attributes.get("name") or "").upper()
    if name.endswith("LFDNR") and (key := number_of((attributes.get("value") or "").strip())):
        if name == "TOLFDNR":
            item["key"], item["page"] = item["key"] or key, True
        elif name == "VOLFDNR":
            item.setdefault("paper", key)
        elif name == "DOLFDNR" and key in files:
            item.setdefault("file", []).append(files[key])
    elif (attributes.get("class") or "").startswith("il1_na"):
        item["result"] = decided(plain(attributes.get("title")))


def _named(page: Sheet, item: dict[str, Any]) -> dict[str, Any]:
    """Keep the names of clerks out of the words added to an item."""
    _, *names = CLERKS.split(item.get("extra", ""))
    if names and groups(names) != names:
        page.note("withheld", "clerk", "agendaItem.extra")
        del item["extra"]
    return item


def numbered(text: str) -> tuple[str | None, bool | None]:
    """Return an item's number and whether it is public: "Ö 4.1" -> ("Ö 4.1", True), "N17" -> ("N17", False), "3 a" -> ("3 a", None)."""
    text = plain(text)
    hit = PUBLICITY.match(text)
    return text or None, bool(hit[1]) if hit else None


def item(html: bytes | str, url: str) -> dict[str, Any]:
    """Return what a to020 page says of one AgendaItem: result, minutes, resolution, vote. Raises Malformed."""
    frame = opened(html, url, ".kb1")
    page, title = frame.page, frame.title
    facts: dict[str, Any] = {"kind": "item", "key": own_key(frame, "TOLFDNR")}
    sitting(frame, facts, "to020")
    facts["name"] = title.partition(" - ")[2] or title
    facts["result"] = decided(facts.get("result", ""))
    facts["number"], facts["public"] = numbered(facts.get("number", ""))
    for link in frame.main.css("td.ko1 a"):
        href = link.attributes.get("href")
        if (key := key_in(href, "SILFDNR")) and "meeting" not in facts:
            facts["meeting"] = key
            page.block(link)
        elif (key := key_in(href, "VOLFDNR")) and "paper" not in facts:
            facts["paper"] = key
            page.block(link)
    told = texts(frame)
    for code, field in (("WP", "minutes"), ("BS", "resolutionText"), ("AE", "vote")):
        if part := told.pop(code, None):
            facts[field] = part["text"]
    facts["section"] = [{"anchor": code} | part for code, part in told.items()]
    attached(frame, facts)
    menus(frame)
    return ended(page, facts, "to020")


def ended(page: Sheet, facts: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the facts that say something, with the books and the notes."""
    count = booked(page, name)
    return _full(facts) | {"lines": count, "notes": page.notes}
