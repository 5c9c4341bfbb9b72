"""Pure parsers of classic ALLRIS's undocumented exports, far cleaner than its pages where a server gives them: XML lists and iCalendar."""

import html as entities
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from typing import Any

from publisher.errors import Malformed
from publisher.record import Note
from publisher.sources.allris3_pages import CANCELLED
from publisher.sources.allris3_stations import _full, decided
from publisher.sources.pages_common import BERLIN, day, decoded, denial, key_in, number, plain

QUERY = "selfaction=ws&template=xyz"
STAMP = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?\d\d)?(Z)?)?")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9A-Fa-f]+);)")
LINK = re.compile(r"</?a\b[^<>]*>", re.IGNORECASE)
PERSONAL = (
    "voverf",
    "vobearb",
    "adstr",
    "adhnr",
    "adplz",
    "adort",
    "adoteil",
    "adtel",
    "adfax",
    "ademail",
    "kpgdat",
    "kpsdat",
    "antext",
    "adwww",
)


class Export:
    """One export read: the special block, the head, the list's rows, each a dict by the vendor's lower-case names."""

    def __init__(self, body: bytes | str, url: str) -> None:
        root = _root(body, url)
        blocks = {block.tag.lower(): block for block in root}
        self.special = _row(blocks["special"]) if "special" in blocks else {}
        self.head = _row(blocks["head"]) if "head" in blocks else {}
        listed = blocks.get("list") if "list" in blocks else next((block for block in root if len(block) and len(block[0])), None)
        self.rows = [_row(row) for row in listed] if listed is not None else []


def _root(body: bytes | str, url: str) -> ElementTree.Element:
    text = decoded(body) if isinstance(body, bytes) else body
    if not re.match(r"\s*+(?:<\?xml[^>]*\?>)?\s*+<(?!html|!doctype)", text, re.IGNORECASE):
        raise Malformed(url, denial(text[:20_000], url) or "an XML export")
    # The minutes inside are whole documents of their own, each with its prolog.
    text = re.sub(r"<\?xml[^<>]*\?>|<!DOCTYPE[^<>]*>", "", CONTROLS.sub("", text)).strip()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Malformed(url, "an XML export without declarations of its own")  # entities may unfold without end
    text = LINK.sub("", AMPERSAND.sub(_known, text))
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise Malformed(url, f"well-formed XML: {error}") from error


def _known(hit: re.Match[str]) -> str:
    """Return an ampersand fit for XML; the vendor writes HTML's entities and bare ones."""
    return "&amp;" if hit[0] == "&" else hit[0]


def _row(element: ElementTree.Element) -> dict[str, str]:
    return {child.tag.lower(): plain(entities.unescape(" ".join(child.itertext()))) for child in element}


def papers(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the papers of the vo040 export. Raises Malformed."""
    export = Export(body, url)
    found = []
    for row in export.rows:
        if key := number(row.get("volfdnr")):
            found.append(
                _full(
                    {
                        "key": key,
                        "reference": row.get("voname"),
                        "name": row.get("vobetr"),
                        "paperType": row.get("vaname"),
                        "underDirectionOf": [row["atname"]] if row.get("atname") else [],
                        "date": day(row.get("vofdat", "")),
                    }
                )
            )
    return {
        "kind": "papers",
        "paper": found,
        "notes": _notes(export, "vo040", {"volfdnr", "voname", "vobetr", "vaname", "atname", "vofdat"}),
    }


def meetings(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the meetings of the si010 export, its UTC times as local ones. Raises Malformed."""
    export = Export(body, url)
    found = []
    for row in export.rows:
        if key := number(row.get("silfdnr")):
            at, start = _local(row.get("sisbvcs", ""))
            name = row.get("sitext") or row.get("siname", "")
            found.append(
                _full(
                    {
                        "key": key,
                        "day": at,
                        "start": start,
                        "end": _local(row.get("sisevcs", ""))[1],
                        "name": name,
                        "organization": _full({"name": row.get("grname")}),
                        "agenda": True,
                        "cancelled": bool(CANCELLED.search(name)),
                    }
                )
            )
    return {
        "kind": "meetings",
        "meetings": found,
        "notes": _notes(export, "si010", {"silfdnr", "sisbvcs", "sisevcs", "siname", "sitext", "grname"}),
    }


def agenda(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the meeting of the to010 export with its items. Raises Malformed."""
    export = Export(body, url)
    key = key_in(url, "SILFDNR") or number(export.head.get("silfdnr"))
    if key is None:
        raise Malformed(url, "an address with SILFDNR")
    found = []
    for row in export.rows:
        if not (item := number(row.get("tolfdnr"))):
            continue
        numbers = [row[name] for name in ("tofnum", "tofunum", "tofuunum") if row.get(name, "0") not in ("0", "")]
        public = {"öffentlich": True, "nichtöffentlich": False, "nicht öffentlich": False}.get(row.get("toostlang", "").lower())
        mark = {True: "Ö ", False: "N "}.get(public, "") if public is not None else ""
        found.append(
            _full(
                {
                    "key": item,
                    "number": mark + ".".join(numbers) if numbers else "",
                    "public": public,
                    "name": row.get("totext1"),
                    "paper": number(row.get("volfdnr")),
                }
            )
        )
    head = {"name": export.head.get("sitext"), "room": export.head.get("raname"), "place": export.head.get("raort")}
    facts = {"kind": "meeting", "key": key, **head, "occasion": export.special.get("saname"), "agendaItem": found}
    known = {"tolfdnr", "volfdnr", "tofnum", "tofunum", "tofuunum", "toostlang", "totext1"}
    return _full(facts) | {"notes": _notes(export, "to010", known)}


def item(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the item of the to020 export: name, result, minutes. Raises Malformed."""
    export = Export(body, url)
    row = export.head or export.special or (export.rows[0] if export.rows else {})
    key = key_in(url, "TOLFDNR") or number(row.get("tolfdnr"))
    if key is None:
        raise Malformed(url, "an address with TOLFDNR")
    told = {
        "name": row.get("toptext"),
        "result": decided(row.get("totyp", "")),
        "reference": row.get("voname"),
        "minutes": row.get("rtfwp"),
    }
    return _full({"kind": "item", "key": key, **told, "resolutionText": row.get("rtfbs"), "vote": row.get("rtfae")}) | {"notes": []}


def persons(body: bytes | str, url: str) -> dict[str, Any]:
    """Return names and parties of the kp041 export; addresses, telephones and birthdays stay out and are counted. Raises Malformed."""
    export = Export(body, url)
    found = []
    for row in export.rows:
        if key := number(row.get("kplfdnr")):
            family, given, title = row.get("adname", ""), row.get("advname", ""), row.get("adtit", "")
            name = " ".join(part for part in (title, given, family) if part)
            found.append(
                _full(
                    {
                        "key": key,
                        "name": name,
                        "familyName": family,
                        "givenName": given,
                        "title": [title] if title else [],
                        "party": row.get("kppartei"),
                    }
                )
            )
    return {"kind": "persons", "person": found, "notes": _notes(export, "kp041", {"kplfdnr", "adname", "advname", "adtit", "kppartei"})}


def _notes(export: Export, name: str, known: set[str]) -> list[Note]:
    """Return what became of the fields nobody read: withheld where they are personal, unmapped otherwise."""
    counts: dict[str, int] = {}
    for row in export.rows:
        for field, value in row.items():
            if value and field not in known:
                counts[field] = counts.get(field, 0) + 1
    return [
        Note("withheld" if field.startswith(PERSONAL) else "unmapped", "export", f"{name}.{field}", counts[field])
        for field in sorted(counts)
    ]


def _local(stamp: str) -> tuple[str | None, str | None]:
    """Return the local day and hour of "20121219T160000Z" or of a local "20121219T170000"."""
    hit = STAMP.fullmatch(stamp.strip())
    if not hit:
        return None, None
    try:
        at = datetime(int(hit[1]), int(hit[2]), int(hit[3]), int(hit[4] or 0), int(hit[5] or 0))
    except ValueError:
        return None, None
    if hit[6]:
        at = at.replace(tzinfo=UTC).astimezone(BERLIN)
    return at.date().isoformat(), at.strftime("%H:%M") if hit[4] else None


def calendar(body: bytes | str, url: str) -> dict[str, Any]:
    """Return the meetings of an iCalendar export (RFC 5545). Raises Malformed.

    The key is that of the event's address, else of its UID; an event without one is left out and noted.
    """
    text = decoded(body) if isinstance(body, bytes) else body
    if "BEGIN:VCALENDAR" not in text:
        raise Malformed(url, denial(text[:20_000], url) or "an iCalendar")
    found, notes = [], []
    for block in re.sub(r"\r?\n[ \t]", "", text).split("BEGIN:VEVENT")[1:]:
        event = block.partition("END:VEVENT")[0]
        fields = dict(_field(line) for line in event.splitlines() if ":" in line)
        key = key_in(fields.get("URL"), "SILFDNR") or key_in(url, "SILFDNR") or number(re.sub(r"\D.*$", "", fields.get("UID", "")))
        at, start = _local(fields.get("DTSTART", ""))
        if key is None or at is None:
            notes.append(Note("unmapped", "event without key", "ics"))
            continue
        name = fields.get("SUMMARY", "")
        cancelled = fields.get("STATUS", "") == "CANCELLED" or bool(CANCELLED.search(name))
        found.append(
            _full(
                {
                    "key": key,
                    "day": at,
                    "start": start,
                    "end": _local(fields.get("DTEND", ""))[1],
                    "name": name,
                    "place": fields.get("LOCATION"),
                    "agenda": True,
                    "cancelled": cancelled,
                }
            )
        )
    return {"kind": "meetings", "meetings": found, "notes": notes}


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    value = re.sub(r"\\([,;\\])", r"\1", re.sub(r"\\[nN]", " ", value))
    return name.split(";")[0].upper(), plain(value)
