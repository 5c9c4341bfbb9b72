"""Pure parsers of ALLRIS 4 pages by their stable ids: paper (vo020), agenda (to010), item (to020), committees (gr010, gr020), lists."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from selectolax.lexbor import LexborNode

from publisher.errors import Malformed
from publisher.sources.addresses import joined, split
from publisher.sources.allris3_frame import HEADING, authors, field_of, keys_in, keys_of
from publisher.sources.allris3_frame import Value as Labelled
from publisher.sources.allris3_pages import CANCELLED, ended, numbered, reference
from publisher.sources.allris3_stations import STATE, _full, decided
from publisher.sources.columns import Row, rows_of
from publisher.sources.pages_common import Sheet, day, denial, flat, hours, key_in, number, plain, sheet, shown

FIELD_OF_ID = {
    "vobetreff": "name", "sibetreff": "name", "sibez": "name", "tobetreff": "name", "vostatus": "status", "vostat": "status",
    "sistatus": "status",
    "voart": "paperType", "vofamt": "underDirectionOf", "vobamt": "involved", "voverfasser": "author", "voverfasser1": "author",
    "anunterstuetzer": "author", "vobearbeiter": "clerk", "vosachb": "clerk", "sidatum": "date", "sizeit": "time", "siuhrzeit": "time",
    "siraum": "room", "siort": "place", "sigremium": "organization", "sianlass": "occasion", "tonr": "number", "tobeschlart": "result",
    "vobezug": "related", "voaz": "fileNumber",
}  # fmt: skip
ROLE = re.compile(
    r"entscheidung|vorberatung|anhörung|kenntnisnahme|zur kenntnis|information|beratung|behandlung|bericht|beschließend|empfehlung|"
    r"unbekannt|beschlussfassung|stellungnahme|vorstellung",
    re.IGNORECASE,
)
SECTIONS = (
    ("WP", re.compile(r"wortprotokoll|protokoll|beratung|niederschrift|wortbeitr", re.IGNORECASE)),
    ("AE", re.compile(r"abstimmung", re.IGNORECASE)),
    ("BV", re.compile(r"beschlussvorschlag|beschlussentwurf|petitum|beschlussempfehlung|beschlussantrag|antrag", re.IGNORECASE)),
    ("BS", re.compile(r"beschluss|beschluß", re.IGNORECASE)),
    ("FA", re.compile(r"finanziell|kosten", re.IGNORECASE)),
    ("AN", re.compile(r"anlage", re.IGNORECASE)),
    ("SV", re.compile(r"sachverhalt|sachlage|sachdarstellung|begründung|erläuterung|anfrage|mitteilung|stellungnahme", re.IGNORECASE)),
)
PORTAL = "nav,header,footer,#menu,#footer,#breadcrumb"
DOCUMENTS = 'a.doclink,a.pdf,a[href*=".pdf"],a[href*=".PDF"],a[href*="DOLFDNR="]'
DOC = re.compile(r"(?:^|/)doc(\d{1,18})\.", re.IGNORECASE)
BUTTONS = ("", "TO", "NA", "VO", "PA")
PUBLIC = re.compile(r"^\s*+(nicht)?\s*+-?öffentlich(?:er|e)?\s*+(?:teil|sitzung)?:?\s*+$", re.IGNORECASE)


class Frame(NamedTuple):
    """A page being read: its books, its main part, its heading."""

    page: Sheet
    main: LexborNode
    title: str


def opened(html: bytes | str, url: str, marks: str = "dl dt") -> Frame:
    """Return the parts of an ALLRIS 4 page. Raises Malformed for an error page sent with HTTP 200, or any other page."""
    page, _ = sheet(html, url)
    body = page.tree.body
    main = page.tree.css_first("#mainContent") or page.tree.css_first("main") or body
    if body is None or main is None or (body.css_first(marks) is None and main.css_first(marks) is None):
        raise Malformed(url, denial((body.text() if body else "")[:20_000], url) or f"an ALLRIS 4 page with {marks}")
    if body.css_first("#rismain") is not None:
        raise Malformed(url, "an ALLRIS 4 page; this is a classic one, kind allris3")
    heading = body.css_first("h1.title") or body.css_first("h1") or body.css_first("#header h2,h2.title")
    if body.css_first("dl dt,#toTreeTable,#bfTable,div.docPart") is None and (why := denial(plain(main.text())[:2_000], url)):
        raise Malformed(url, why)
    title = page.take(heading)
    seen: set[int] = set()
    for node in body.css(PORTAL):  # outermost first; what lies in a part booked already is not booked again
        if node.mem_id not in seen and not _within(node, seen) and node.css_first("h1,dl") is None:
            seen.add(node.mem_id)
            page.block(node, "portal")
    return Frame(page, main, title)


def _within(node: LexborNode, seen: set[int]) -> bool:
    at = node.parent
    while seen and at is not None:
        if at.mem_id in seen:
            return True
        at = at.parent
    return False


def own_key(frame: Frame, name: str) -> str:
    """Return the page's own primary key from its address. Raises Malformed."""
    key = key_in(frame.page.url, name)
    if key is None:
        raise Malformed(frame.page.url, f"an address with {name}")
    return key


def values(frame: Frame, name: str) -> Iterator[Labelled]:
    """Yield each labelled value: by the id of its cell, else by its label. Labels nobody knows are noted, their values left unread."""
    page, body = frame.page, frame.page.tree.body
    for term in body.css("dl dt") if body is not None else ():
        cell = term.next
        while cell is not None and cell.tag != "dd":
            cell = cell.next if cell.tag != "dt" else None
        label = " ".join(shown(term))
        if cell is None or not label:
            continue
        inner = next(cell.iter(), None) is not None
        field = (_field_by_id(cell) if inner or cell.id else None) or field_of(label)
        if field is None:
            page.note("unmapped", "label", f"{name}.{label.rstrip(':')}")
            continue
        page.used.extend(shown(term))
        if inner and cell.css_first("table,dl") is not None:
            continue
        if inner and field in ("name", "extra", "result", "room", "place"):
            flat(cell)
        yield Labelled(field, label, cell, shown(cell) if field in ("author", "clerk") else page.block(cell))


def _field_by_id(cell: LexborNode) -> str | None:
    for node in (cell, *cell.css("[id]")):
        if found := FIELD_OF_ID.get((node.id or "").lower()):
            return found
    return None


def paper(html: bytes | str, url: str) -> dict[str, Any]:
    """Return what a vo020 page says of one Paper. Raises Malformed."""
    frame = opened(html, url)
    page = frame.page
    facts: dict[str, Any] = {"kind": "paper", "key": own_key(frame, "VOLFDNR")} | reference(frame.title)
    for value in values(frame, "vo020"):
        if value.field in ("author", "clerk"):
            facts["originator"] = facts.get("originator", []) + authors(page, value, "vo020")
        elif value.field in ("underDirectionOf", "involved"):
            facts[value.field] = [part.strip() for line in value.lines for part in line.split(";") if part.strip()]
        elif value.field in ("related", "superordinated", "subordinated"):
            links = {key_in(link.attributes.get("href"), "VOLFDNR"): plain(link.text()) for link in value.cell.css("a")}
            facts[value.field] = [{"key": key, "name": text} for key, text in links.items() if key] or [
                {"name": line} for line in value.lines
            ]
        elif value.field == "date":
            facts["date"] = day(" ".join(value.lines))
        elif value.lines:
            facts.setdefault(value.field, " ".join(value.lines))
    table = page.tree.css_first("#bfTable table") or page.tree.css_first("table.bfTable") or page.tree.css_first("table#bfTable")
    facts["consultation"] = stations(page, table) if table is not None else []
    facts["section"] = [{"anchor": code} | part for code, part in texts(frame).items()]
    attached(frame, facts)
    return ended(page, facts, "vo020")


def stations(page: Sheet, table: LexborNode) -> list[dict[str, Any]]:
    """Return the Beratungsfolge: a row with the committee, then a row for each date it was, or will be, on."""
    found: list[dict[str, Any]] = []
    station: dict[str, Any] | None = None
    dated = False
    for row in rows_of([table]):
        cells = row.cells()
        if not cells or cells[0].tag == "th":
            page.book(row.told(), "header")
            continue
        said = [page.take(cell) for cell in cells]
        at = next((found_day for text in said if (found_day := day(text))), None)
        known = (word for word in (*said, *map(_tip, cells)) if STATE.fullmatch(word))
        state = next(known, "") or ("" if said[0].isdigit() else said[0]) or _tip(cells[0])
        texts = [text for text in said if text and text not in BUTTONS and text != state and not day(text) and not text.isdigit()]
        if at is None and texts:
            if station and not dated:
                found.append(station)
            role = next((text for text in texts[1:] if ROLE.search(text)), "")
            result = next((text for text in texts[1:] if text != role), "")
            station, dated = _full({"status": state, "organization": texts[0], "role": role, "result": decided(result)}), False
        elif at is not None and station is not None:
            dated = True
            keys = keys_in(row.points)
            more = {"day": at, "name": (texts + [""])[0], "meeting": keys.get("SILFDNR"), "agendaItem": keys.get("TOLFDNR")}
            result = next((text for text in texts[1:] if not ROLE.search(text)), "")
            found.append(station | _full(more | {"status": state, "result": decided(result) or station.get("result")}))
    if station and not dated:
        found.append(station)
    return found


def _tip(cell: LexborNode) -> str:
    for node in (cell, *cell.css("[title],[data-simpletooltip-text],[alt]")):
        attributes = node.attributes
        if tip := plain(attributes.get("data-simpletooltip-text") or attributes.get("title") or attributes.get("alt")):
            return tip
    return ""


def texts(frame: Frame) -> dict[str, dict[str, str]]:
    """Return the long texts by the two letters that classic ALLRIS has for their kind; an unknown heading stays under its own name."""
    found: dict[str, dict[str, str]] = {}
    heading, page = "", frame.page
    for node in frame.main.css("h2,h3,div.docPart"):
        if node.tag != "div":
            heading = page.take(node, "header")
            continue
        told = [] if any(inner.mem_id != node.mem_id for inner in node.css("div.docPart")) else page.block(flat(node))
        name = heading
        if told and len(told[0]) < 70 and HEADING.fullmatch(told[0]):
            name = re.sub(r"(?<!\s)\s*+/\s*", "/", told.pop(0)).rstrip(" :") or heading
        text = "\n".join(told).strip()
        code = next((code for code, pattern in SECTIONS if pattern.search(heading or name)), plain(heading or name).lower())
        if code and code not in found and re.search(r"\w", text):
            found[code] = {"name": name or code, "text": text}
    return found


def attached(frame: Frame, facts: dict[str, Any]) -> None:
    """Fill in the files: those with a lasting address and key; names only of those whose address dies with the session."""
    page = frame.page
    lasting: dict[str, dict[str, str]] = {}
    dying: dict[str, None] = {}
    body = page.tree.body
    for link in body.css(DOCUMENTS) if body is not None else ():
        href = link.attributes.get("href") or ""
        if not href or split(href).scheme.lower() not in ("", "http", "https"):
            continue  # seen in Wolfsburg: file:///C:/Users/..., a clerk's own disk
        name = plain(link.attributes.get("data-simpletooltip-text")) or plain(link.text()) or unquote(split(href).path.rsplit("/", 1)[-1])
        key = key_in(href, "DOLFDNR") or _document_key(href)
        if key is None or "wicket" in href.lower() or "___tmp" in href or "jsessionid" in href.lower():
            dying[name] = None
        else:
            lasting.setdefault(key, {"key": key, "name": name, "mimeType": "application/pdf", "url": joined(page.url, href)})
    for panel in page.tree.css("#dokumenteHeaderPanel"):
        page.block(panel, "menu")
    if dying:
        facts["attachment"] = list(dying)
        page.note("damage", "session-link", "auxiliaryFile", len(dying))
    facts["file"] = list(lasting.values())


def _document_key(href: str) -> str | None:
    hit = DOC.search(split(href).path)
    return number(hit[1]) if hit else None


def sitting(frame: Frame, facts: dict[str, Any], name: str) -> None:
    """Fill `facts` from the labelled values that describe a meeting."""
    for value in values(frame, name):
        text = " ".join(value.lines)
        if value.field == "organization":
            key = next((key for link in value.cell.css("a") if (key := key_in(link.attributes.get("href"), "GRLFDNR"))), None)
            facts["organization"] = _full({"key": f"gr-{key}" if key else None, "name": text})
        elif value.field == "date":
            facts["day"] = day(text)
            if not facts["day"]:
                frame.page.note("damage", "date", f"{name}.{value.label}")
        elif value.field in ("time", "end"):
            start, end = hours(text)
            facts |= {"end": start} if value.field == "end" else {"start": start, "end": end or facts.get("end")}
            if text and not start:
                frame.page.note("damage", "time", f"{name}.{value.label}")
        elif value.field in ("author", "clerk"):
            authors(frame.page, value, name)
        elif text:
            facts.setdefault(value.field, text)


def agenda(html: bytes | str, url: str) -> dict[str, Any]:
    """Return what a to010 page says of one Meeting and its AgendaItems. Raises Malformed."""
    frame = opened(html, url)
    facts: dict[str, Any] = {"kind": "meeting", "key": own_key(frame, "SILFDNR")}
    sitting(frame, facts, "to010")
    facts.setdefault("name", frame.title.partition(" - ")[2] or frame.title)
    if CANCELLED.search(f"{facts['name']} {facts.get('status', '')} {facts.get('extra', '')}"):
        facts["cancelled"] = True
    table = frame.page.tree.css_first("#toTreeTable") or frame.page.tree.css_first("table[class*=toTree]")
    facts["agendaItem"] = items(frame.page, table) if table is not None else []
    facts["section"] = [{"anchor": code} | part for code, part in texts(frame).items()]
    attached(frame, facts)
    return ended(frame.page, facts, "to010")


def items(page: Sheet, table: LexborNode) -> list[dict[str, Any]]:
    """Return the agenda items in their order; columns are found by their classes, else by the words of the header."""
    found: list[dict[str, Any]] = []
    header: list[str] = []
    public: bool | None = None
    seen: set[str] = set()
    for row in rows_of([table]):
        cells = row.cells()
        if cells and cells[0].tag == "th":
            header = [page.take(cell, "header").lower() for cell in cells]
            continue
        said = [page.take(cell) for cell in cells]
        told = [text for text in said if text]
        if len(told) == 1 and (hit := PUBLIC.match(told[0])) and not keys_in(row.points):
            public = not hit[1]
            continue
        entry = _item(row, cells, said, header)
        if entry is None:
            continue
        if entry.get("public") is None and public is not None:
            entry["public"] = public
        if entry.get("key") in seen:
            page.note("damage", "twice", f"agendaItem.{entry['key']}")
            continue
        seen |= {entry["key"]} if "key" in entry else set()
        found.append(_full(entry))
    return found


def _item(row: Row, cells: list[LexborNode], said: list[str], header: list[str]) -> dict[str, Any] | None:
    at = {name: _column(cells, header, *words) for name, *words in COLUMNS}
    told = {name: said[index] if index is not None and index < len(said) else "" for name, index in at.items()}
    keys = keys_in(row.points)
    ids = (point.id or "" for point in row.points if point.tag == "a")
    key = keys.get("TOLFDNR") or next((number(name[5:]) for name in ids if name.startswith("link_")), None)
    if not (key or told["number"] or told["name"]):
        return None
    label, public = numbered(told["number"])
    links = [point.attributes.get("href") or "" for point in row.points if point.tag == "a"]
    return {
        "key": key, "number": label, "public": public, "name": told["name"], "paper": keys.get("VOLFDNR"),
        "reference": told["paper"] if keys.get("VOLFDNR") else "", "result": decided(told["result"]), "competence": told["competence"],
        "minutesOf": keys.get("SILFDNR") if "TOLFDNR" not in " ".join(links).upper() else None,
        "page": any("to020" in href and "TOLFDNR" in href.upper() for href in links),
    }  # fmt: skip


COLUMNS = (
    ("number", "tonr", "top"),
    ("name", "tobetreff", "betreff"),
    ("paper", "tovonr", "vorlage", "drucksache", "antrag"),
    ("result", "tobeschlart", "beschlussart", "beschluss", "ergebnis"),
    ("competence", "tozustaendig", "zuständigkeit"),
)


def _column(cells: list[LexborNode], header: list[str], css: str, *words: str) -> int | None:
    for at, cell in enumerate(cells):
        if css in (cell.attributes.get("class") or "").lower().split():
            return at
    return next((at for word in words for at, text in enumerate(header) if word in text), None)


def item(html: bytes | str, url: str) -> dict[str, Any]:
    """Return what a to020 page says of one AgendaItem: result, minutes, resolution, vote. Raises Malformed."""
    frame = opened(html, url)
    facts: dict[str, Any] = {"kind": "item", "key": own_key(frame, "TOLFDNR")}
    sitting(frame, facts, "to020")
    facts.setdefault("name", frame.title.partition(" - ")[2] or frame.title)
    facts["result"] = decided(facts.get("result", ""))
    facts["number"], facts["public"] = numbered(facts.get("number", ""))
    keys = keys_of(frame.main)
    facts |= {"meeting": keys.get("SILFDNR"), "paper": keys.get("VOLFDNR")}
    told = texts(frame)
    for code, field in (("WP", "minutes"), ("BS", "resolutionText"), ("AE", "vote")):
        if part := told.pop(code, None):
            facts[field] = part["text"]
    facts["section"] = [{"anchor": code} | part for code, part in told.items()]
    attached(frame, facts)
    return ended(frame.page, facts, "to020")


def pieces(body: bytes | str) -> str:
    """Return the HTML of a Wicket Ajax answer (it lies in CDATA inside XML), or the page itself if it is none."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    if not text.lstrip().startswith("<?xml") and "<ajax-response" not in text[:500]:
        return text
    found = []
    for component in text.split("<component")[1:]:
        head, mark, rest = component.partition("<![CDATA[")
        if mark and "</" not in head:
            found.append(rest.partition("]]>")[0])
    return "<html><body>" + "".join(found) + "</body></html>" if found else text
