"""The frame that every classic ALLRIS page has: portal around it, labels and values in its head, texts between anchors."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from selectolax.lexbor import LexborNode

from publisher.errors import Malformed
from publisher.sources.pages_common import INLINE, Sheet, denial, flat, groups, key_in, number, plain, sheet, shown

LABELS = {
    "name": ("betreff", "bezeichnung", "titel", "gegenstand", "thema"),
    "paperType": ("drucksache-art", "drucksachenart", "drucksachen-art", "vorlage-art", "vorlageart", "vorlagenart", "vorlagen-art",
                  "art", "art der vorlage", "antragsart", "dokumentart", "vorlagetyp", "vorlagentyp", "drucksachentyp", "typ",
                  "vorgangsart"),
    "status": ("status", "öffentlichkeit", "öffentlichkeitsstatus", "vorlagestatus", "vorlagenstatus", "sitzungsstatus"),
    "underDirectionOf": ("federführend", "federführung", "federführendes amt", "federführende stelle", "federf. amt", "amt",
                         "federführender fachbereich", "federführende abteilung", "federführendes dezernat",
                         "federführende organisationseinheit", "federführender bereich"),
    "involved": ("beteiligt", "beteiligte", "beteiligte ämter", "beteiligte stellen", "mitwirkend", "weitere beteiligte",
                 "beteiligte fachbereiche", "weitere beteiligte ämter", "mitzeichnung"),
    "author": ("verfasser", "autor", "einreicher", "antragsteller", "initiator", "einbringer", "unterstützer", "verfasst von",
               "eingereicht von", "einreichende fraktion"),
    "clerk": ("bearbeiter", "sachbearbeiter", "sachbearbeitung", "ansprechpartner", "ansprechperson", "auskunft erteilt", "erstellt von",
              "berichterstatter", "berichterstattung", "protokollführer", "protokollführung", "schriftführer", "vorsitz", "vorsitzender",
              "vorsitzende", "sitzungsleitung", "leitung", "telefon", "e-mail", "ansprechpartner verwaltung"),
    "related": ("bezüglich", "bezug", "bezugsvorlage", "bezugsdrucksache", "bezieht sich auf", "verweis", "verknüpfte vorlagen",
                "bezug zu", "referenzvorlage", "bezugnehmend auf"),
    "superordinated": ("übergeordnet", "übergeordnete vorlage", "ursprungsvorlage", "grundvorlage", "ursprung", "vorgängervorlage"),
    "subordinated": ("untergeordnet", "untergeordnete vorlage", "stammbaum", "nachfolger", "folgevorlage", "nachfolgevorlage",
                     "folgevorlagen"),
    "fileNumber": ("aktenzeichen", "az", "geschäftszeichen"),
    "date": ("datum", "vorlagedatum", "erstellt am", "sitzungsdatum", "sitzungstag", "tag", "erstellungsdatum", "vorlagendatum",
             "drucksachendatum"),
    "stations": ("beratungsfolge", "beratungsreihenfolge", "gremienweg"),
    "files": ("anlagen", "anlage", "anlage/n", "anlage(n)", "dokumente", "dateien"),
    "organization": ("gremium", "ausschuss"),
    "time": ("zeit", "uhrzeit", "beginn", "sitzungsbeginn", "sitzungszeit"),
    "end": ("ende", "sitzungsende"),
    "reference": ("vorlage-nr", "vorlagen-nr", "vorlagennummer", "vorlagenummer", "drucksache-nr", "drucksachen-nr", "drucksachennummer",
                  "drs.-nr", "ds-nr", "nummer", "nr"),
    "occasion": ("anlass", "sitzungsart"),
    "room": ("raum", "sitzungsraum"),
    "place": ("ort", "sitzungsort"),
    "extra": ("zusatz", "zusatzinfo", "hinweis", "bemerkung", "information"),
    "number": ("top", "tagesordnungspunkt"),
    "result": ("beschlussart", "beschlußart", "beschluss-art", "beschluss", "ergebnis", "abstimmungsergebnis", "beratungsergebnis",
               "abstimmung"),
    "session": ("sitzung", "tagesordnung"),
    "paperReference": ("vorlage", "drucksache", "antrag"),
}  # fmt: skip
FIELD_OF = {label: field for field, labels in LABELS.items() for label in labels}
ENDING = re.compile(r"[/(:*]?-?in(?:nen)?\)?$")
KEY_NAME = re.compile(r"([A-Z]{2}LFDNR)=")
ANCHOR = re.compile(r"allris([A-Z]{2})")
HEADING = re.compile(
    r"(?:(?>sachverhalt|sachlage|sachdarstellung|sach- und rechtslage|rechtslage|begründung|erläuterung(?:en)?|problem|ziel|"
    r"petitum|beschluss(?:vorschlag|vorlage|empfehlung|entwurf|antrag)?|antragstext|antrag|"
    r"anfrage|antwort|stellungnahme|mitteilung|finanzielle auswirkungen|auswirkungen|kosten|anlage(?:/n|\(n\)|n)?|protokoll|"
    r"niederschrift|wortprotokoll|beratung|abstimmungsergebnis|abstimmung)\s*+(?:[/,]|und)?\s*+)++:?",
    re.IGNORECASE,
)
SECTION_NAMES = {"SV": "Sachverhalt", "BV": "Beschlussvorschlag", "FA": "Finanzielle Auswirkungen", "AN": "Anlagen", "WP": "Protokoll",
                 "BS": "Beschluss", "AE": "Abstimmungsergebnis"}  # fmt: skip
TEXTS = ("name", "extra", "result", "room", "place")
PEOPLE = ("author", "clerk")
NEXT_GROUP = re.compile(r";|,(?=[^,]*(?:fraktion|gruppe))", re.IGNORECASE)
INLINE_TAGS = frozenset(INLINE.split(","))
PORTAL = ("risleft", "rishead", "risnavi", "risprop", "risfoot")
PARTS = 'div[id^="ris"],meta[name="objectID"]'
SIZE = re.compile(r"(?<!\s)\s*+\(\s*+[\d.,]+\s*+[KMG]?B\s*+\)$")


class Value(NamedTuple):
    """What stands beside a label: its field, the label as printed, the cell, and the cell's lines."""

    field: str
    label: str
    cell: LexborNode
    lines: list[str]


@lru_cache(4096)
def field_of(label: str) -> str | None:
    """Return the field that a printed label names, None for one nobody knows: "Bearbeiter/-in:" -> "clerk"."""
    word = plain(label).lower().strip(" :*")
    word = word.rstrip("0123456789").rstrip(" .")
    return FIELD_OF.get(word) or FIELD_OF.get(ENDING.sub("", word))


class Frame(NamedTuple):
    """The parts of one page, all found in one look over its tree."""

    page: Sheet
    main: LexborNode
    title: str
    told: str | None
    labels: list[tuple[LexborNode, list[str]]]
    boxes: list[LexborNode]
    anchors: list[tuple[str, LexborNode]]
    menu: dict[str, str]
    dying: list[str]
    documents: list[dict[str, str]]


def opened(html: bytes | str, url: str, marks: str) -> Frame:
    """Return the parts of a page, the portal around them booked.

    Raises Malformed where none of the `marks` (CSS) stands in its main part: an error page sent with HTTP 200, another page, half of one.
    """
    page, nodes = sheet(html, url, PARTS)
    parts = {node.id or node.tag: node for node in nodes}
    main = parts.get("rismain") or parts.get("rismain_raw")
    labels: list[LexborNode] = main.css(".kb1") if main is not None else []
    if main is None or not (labels if marks == ".kb1" else main.css_first(marks)):
        text = page.tree.body.text() if page.tree.body else ""
        raise Malformed(url, denial(text[:20_000], url) or f"a classic ALLRIS page with {marks}")
    if marks == "table" and len(text := plain(main.text())) < 300 and (why := denial(text, url)):
        raise Malformed(url, why)
    for name in PORTAL:
        if name in parts:
            page.block(parts[name], "portal")
    told = number((parts["meta"].attributes.get("content") or "").strip()) if "meta" in parts else None
    frame = Frame(page, main, page.take(parts.get("risname")), told, [(cell, shown(cell)) for cell in labels], [], [], {}, [], [])
    return _parted(main, frame) if marks == ".kb1" else frame


def _parted(main: LexborNode, frame: Frame) -> Frame:
    """Sort the main part's boxes, anchors, links and forms into the frame."""
    found: dict[str, dict[str, str]] = {}
    for node in main.css("td.me1,a,input"):
        attributes = node.attributes
        if node.tag == "td":
            frame.boxes.append(node)
        elif node.tag == "input":
            if (attributes.get("name") or "").upper() == "DOLFDNR":
                _form(node, number((attributes.get("value") or "").strip()), found)
        else:
            href = attributes.get("href") or ""
            if href.startswith("#allris"):
                frame.menu[href[1:]] = plain(node.text())
            elif "___tmp" in href:
                frame.dying.append(SIZE.sub("", plain(node.text())))
            elif key := key_in(href, "DOLFDNR"):
                found.setdefault(key, {"key": key, "name": plain(node.text()), "title": plain(attributes.get("title"))})
            if hit := ANCHOR.match(attributes.get("name") or ""):
                frame.anchors.append((hit[1], node))
    frame.documents.extend(found.values())
    return frame


def _form(field: LexborNode, key: str | None, found: dict[str, dict[str, str]]) -> None:
    form = field.parent
    button = form.css_first('input[type="submit"],input[type="image"]') if form is not None else None
    if key is None or key in found:
        return
    attributes: dict[str, Any] = dict(button.attributes) if button is not None else {}
    tip = attributes.get("title") or ""
    title = plain(tip.split("(Öffnet")[0])
    found[key] = {"key": key, "name": plain(attributes.get("value")) or title, "title": title}
    if "PDF" in tip:
        found[key]["mimeType"] = "application/pdf"


def own_key(frame: Frame, name: str) -> str:
    """Return the page's own primary key: from its address, else from the vendor's meta tag or a form. Raises Malformed."""
    key, told = key_in(frame.page.url, name), frame.told
    if key and told and key != told:
        raise Malformed(frame.page.url, f"{name}={key}, the page says {told}")
    if not (key or told):
        field = frame.page.tree.css_first(f'#risnavi input[name="{name}" i]')
        key = number(field.attributes.get("value")) if field is not None else None
    if not (key or told):
        raise Malformed(frame.page.url, f"a page with a {name}")
    return key or told or ""


def after(node: LexborNode, tag: str) -> LexborNode | None:
    """Return the next sibling of that tag."""
    at = node.next
    while at is not None and at.tag != tag:
        at = at.next
    return at


def inputs(node: LexborNode) -> Iterator[tuple[str, str, str]]:
    """Yield (name in upper case, value, address of its form) of each form field inside."""
    for field in node.css("input"):
        yield _field(field, field.attributes)


def _field(field: LexborNode, attributes: dict[str, str | None]) -> tuple[str, str, str]:
    form = field.parent
    action = form.attributes.get("action") if form is not None and form.tag == "form" else ""
    return (attributes.get("name") or "").upper(), attributes.get("value") or "", action or ""


def keys_of(node: LexborNode) -> dict[str, str]:
    """Return the primary keys that a node's links and form fields carry: {"SILFDNR": "1004086"}; the first of each name wins."""
    return keys_in(node.css("a,input"))


def keys_in(points: list[LexborNode]) -> dict[str, str]:
    """Return the primary keys that these links and form fields carry, as `keys_of` does."""
    found: dict[str, str] = {}
    for point in points:
        attributes = point.attributes
        href = attributes.get("href")
        if href is None:
            name, value, action = _field(point, attributes)
            if name.endswith("LFDNR") and (key := number(value.strip())):
                found.setdefault(name, key)
            if action and (key := key_in(action, "TOPSELECTED")):
                found.setdefault("TOLFDNR", key)
        elif "LFDNR" in (upper := href.upper()):
            for name in KEY_NAME.findall(upper):
                if key := key_in(href, name):
                    found.setdefault(name, key)
    return found


def key_at(row: LexborNode, name: str) -> str | None:
    """Return the primary key `name` of a row: of its link, else of its form."""
    link = row.css_first(f'a[href*="{name}=" i]')
    return (key_in(link.attributes.get("href"), name) if link is not None else None) or keys_of(row).get(name)


def values(frame: Frame, name: str) -> Iterator[Value]:
    """Yield each labelled value of the head; labels nobody knows are noted and their values left unread."""
    page, labels = frame.page, {cell.mem_id for cell, _ in frame.labels}
    for cell, pieces in frame.labels:
        label = " ".join(pieces)
        if not label:
            continue
        field = field_of(label) or field_of(cell.text() or "")
        if field is None:
            if label.endswith(":"):
                page.note("unmapped", "label", f"{name}.{label.rstrip(':')}")
            continue
        page.used.extend(pieces)
        beside = after(cell, "td")
        if field in ("stations", "files") or beside is None or beside.mem_id in labels:
            yield Value(field, label, cell, [])
        elif (inner := next(beside.iter(), None)) is None or beside.css_first("table") is None:
            if field in TEXTS and inner is not None:
                flat(beside)
            yield Value(field, label, beside, shown(beside) if field in PEOPLE else page.block(beside))


def authors(page: Sheet, value: Value, name: str) -> list[str]:
    """Return those of the named authors that are groups; people's names are withheld and counted."""
    found: list[str] = []
    for line in value.lines:
        names = [part.strip() for part in NEXT_GROUP.split(line) if part.strip()]
        open_names = groups(names) if value.field == "author" else []
        found += open_names
        if len(names) == len(open_names):
            page.used.append(line)
        else:
            page.rules.setdefault("withheld", []).append(line)
            page.note("withheld", "clerk", f"{name}.{value.label.rstrip(':')}", len(names) - len(open_names))
    return found


def texts(frame: Frame) -> dict[str, dict[str, str]]:
    """Return the long texts by the two letters of their anchor: {"SV": {"name": "Sachverhalt", "text": ...}}; empty ones left out."""
    found: dict[str, dict[str, str]] = {}
    for code, anchor in frame.anchors:
        told = _lines(frame.page, anchor)
        name = frame.menu.get(f"allris{code}") or SECTION_NAMES.get(code, code)
        if told and len(told[0]) < 70 and HEADING.fullmatch(told[0]):
            name = re.sub(r"(?<!\s)\s*+/\s*", "/", told.pop(0)).rstrip(" :")
        text = "\n".join(told).strip()
        if code not in found and re.search(r"\w", text):
            found[code] = {"name": name, "text": text}
    return found


def _lines(page: Sheet, anchor: LexborNode) -> list[str]:
    """Return the lines after an anchor: one for each block, one for each run of loose words, as older text exports leave them."""
    told: list[str] = []
    run = ""
    for node in _following(anchor):
        if node.is_text_node or (node.tag in INLINE_TAGS and node.css_first("br,p,div") is None):
            run += node.text() or ""
            page.block(node)
            continue
        if loose := plain(run):
            told.append(loose)
        run = ""
        told += page.block(flat(node))
    return [*told, loose] if (loose := plain(run)) else told


def _following(anchor: LexborNode) -> Iterator[LexborNode]:
    """Yield the elements between an anchor and the next one or the table of attachments."""
    at: LexborNode | None = anchor
    while at is not None and at.next is None and at.parent is not None and at.parent.tag in ("p", "span", "div", "b"):
        at = at.parent
    if anchor.child is not None:
        yield anchor
    at = at.next if at is not None else None
    while at is not None:
        if at.is_text_node and not at.is_empty_text_node:
            yield at
        elif at.is_element_node:
            if at.tag == "a" and (at.attributes.get("name") or "").startswith("allris"):
                return
            if next(at.iter(), None) is None:  # nothing inside to look for
                yield at
                at = at.next
                continue
            if at.tag == "table" and at.css_first(".kb1") is not None:
                return
            if at.css_first('a[name^="allris"]') is not None:
                return
            yield at
        at = at.next
