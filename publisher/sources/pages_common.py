"""What parsers of council pages share: bytes to text, clean words, German days and hours, ids, the count of lines, privacy."""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.errors import Malformed
from publisher.record import Note

BERLIN = ZoneInfo("Europe/Berlin")
BREAK = "\x02"  # put between two pieces of text; none of it is on a page, and str.split() does not swallow it
INLINE = "a,span,b,i,u,em,strong,font,sup,sub,nobr"
TORN = re.compile(r'\b(?:class|href|colspan|nowrap|valign|action|method|value|type)="[^"]*"\s*/?>')
LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
ASCII = bytes(range(128))
SHARED = bytes(range(0xA0, 0x100))  # what windows-1252 and ISO-8859-1 have in common beyond ASCII
CHARSET = re.compile(rb"(?:charset|encoding)\s*+=\s*+[\"']?\s*+([a-z0-9_-]+)")


def decoded(body: bytes, content_type: str = "") -> str:
    """Return the text of a page whatever charset it claims.

    ALLRIS 3 says ISO-8859-1 and writes windows-1252 (seen: all Hamburg districts); the header names no charset at all. Bytes that are
    UTF-8 are never anything else in practice. Of bytes that are not quite UTF-8 the letters decide: more whole ones than broken ones, and
    it is UTF-8 with a few torn; a page without any that says UTF-8 and is cut in mid-letter stays UTF-8.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        head = content_type.lower().encode("ascii", "replace") + b" " + body[:2048].lower()
        told = b"utf-8" in head and b"utf-8" in CHARSET.findall(head)
        high = body.translate(None, ASCII)
        other, whole = LETTER.subn(b"", high)
        return body.decode("utf-8", "replace") if whole > len(other) or (told and error.end == len(body)) else _windows(body, high)


def _windows(body: bytes, high: bytes) -> str:
    """Return windows-1252 as text. `high`: its bytes beyond ASCII. As ISO-8859-1, which has other characters at 32 of them only, it is
    read in a tenth of the time."""
    text = body.decode("latin-1")
    for byte in {*high.translate(None, SHARED)}:
        text = text.replace(chr(byte), bytes([byte]).decode("cp1252", "replace"))
    return text


def plain(text: str | None) -> str:
    """Return text on one line, white space (no-break spaces too) as single spaces, otherwise as `shown` has it."""
    if text and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")
    return " ".join((text if text.isascii() else composed(text)).split()) if text else ""


def shown(node: LexborNode) -> list[str]:
    """Return the pieces of text of a node that show something, each on one line; a <br> or an element's end ends a piece.

    Soft hyphens and zero-width characters are gone, U+2011 is "-", letters are composed (NFC).
    """
    text = node.text(True, BREAK, True, True)  # deep, separator, strip, skip_empty: positions are read in half the time of names
    if not text:
        return []
    if text.isprintable() and "  " not in text and text != " ":  # one piece, no white space but single blanks: most cells
        return [text.strip(" ") if text.isascii() else _formed(text).strip(" ")]
    if not text.isascii():
        text = composed(text)
    return list(filter(None, " ".join(text.split()).split(BREAK)))


def composed(text: str) -> str:
    """Return text without invisible characters, with plain hyphens, in NFC."""
    if "\xad" in text or "\u200b" in text or "\u2060" in text or "\ufeff" in text:
        text = re.sub("[\xad\u200b\u2060\ufeff]", "", text)
    return _formed(text)


def _formed(text: str) -> str:
    text = text.replace("\u2011", "-")
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def flat(node: LexborNode) -> LexborNode:
    """Return the node with links and other inline elements inside it dissolved, so that its words and dates are whole again."""
    if node.is_text_node or next(node.iter(), None) is None:
        return node
    own = node.mem_id  # comparing nodes themselves writes both out as HTML
    found = [inner for inner in node.css(INLINE) if inner.mem_id != own]
    for inner in found:
        inner.unwrap()
    if found:
        node.merge_text_nodes()
    return node


def tree(html: str, wanted: str = "") -> tuple[LexborHTMLParser, list[LexborNode]]:
    """Return the parsed page without scripts and styles, and the nodes `wanted` (CSS), all found in one look over the tree."""
    parsed = LexborHTMLParser(html)
    mute = parsed.css("script,style,noscript,template")
    if any(node.tag in ("noscript", "template") for node in mute):
        # These hold elements; removed one by one, for what lies in a removed one must not be touched again.
        while (holder := parsed.css_first("noscript,template")) is not None:
            holder.decompose()
        mute = parsed.css("script,style")
    for node in mute:
        node.decompose()
    return parsed, parsed.css(wanted) if wanted else []


class Sheet(NamedTuple):
    """A page being read: its tree, its address, and the books kept on each of its lines."""

    tree: LexborHTMLParser
    url: str
    used: list[str]
    rules: dict[str, list[str]]
    notes: list[Note]

    def take(self, node: LexborNode | None, rule: str = "") -> str:
        """Return a block's text on one line and book its pieces as used, or under a rule as not needed."""
        return " ".join(self.block(node, rule)) if node is not None else ""

    def block(self, node: LexborNode, rule: str = "") -> list[str]:
        """Return a block's pieces of text and book them."""
        return self.book(shown(node), rule)

    def book(self, pieces: list[str], rule: str = "") -> list[str]:
        """Book pieces of text as used, or under a rule as not needed, and return them."""
        if pieces:
            (self.rules.setdefault(rule, []) if rule else self.used).extend(pieces)
        return pieces

    def note(self, kind: str, rule: str, path: str, leaves: int = 1) -> None:
        """Keep a note for the ledger and the clerk."""
        self.notes.append(Note(kind, rule, path, leaves))


def sheet(html: bytes | str, url: str, wanted: str = "") -> tuple[Sheet, list[LexborNode]]:
    """Return a page ready to be read, and the nodes `wanted` (CSS). Raises Malformed if it has no body."""
    parsed, nodes = tree(decoded(html) if isinstance(html, bytes) else html, wanted)
    if parsed.body is None:
        raise Malformed(url, "an HTML page")
    return Sheet(parsed, url, [], {}, []), nodes


def booked(page: Sheet, name: str) -> dict[str, Any]:
    """Return the count of the page's pieces of text: total = used + withheld + each rule's + unmapped, exactly.

    A piece that was taken more often than it stands on the page is a fault of the parser: it would hide a lost one. Such surplus is
    given back, so the sum holds, and shows as "twice". Raises Malformed where ALLRIS 3 dropped a "<", as it does at times in its first
    answer: the second is whole.
    """
    body = page.tree.body
    whole = sorted(shown(body)) if body is not None else []
    if '="' in BREAK.join(whole) and any(TORN.search(piece) for piece in whole):
        raise Malformed(page.url, 'a page with every "<"; an element stands there as text')
    withheld = page.rules.pop("withheld", [])
    counts = {rule: len(taken) for rule, taken in page.rules.items()}
    count: dict[str, Any] = {"total": len(whole), "used": len(page.used), "withheld": len(withheld), "boilerplate": counts}
    taken = page.used + withheld
    for more in page.rules.values():
        taken += more
    taken.sort()
    if taken == whole:
        return count | {"unmapped": 0, "twice": 0, "left": []}
    left, twice = Counter(whole), 0
    for rule, pieces in (("used", page.used), ("withheld", withheld), *page.rules.items()):
        before = left.total()
        left = left - Counter(pieces)
        (count if rule in ("used", "withheld") else counts)[rule] = before - left.total()
        twice += len(pieces) - (before - left.total())
    if left:
        page.note("unmapped", "text", name, left.total())
    return count | {"unmapped": left.total(), "twice": twice, "left": list(left.elements())}


MONTHS = {
    "jan": 1, "feb": 2, "mär": 3, "mar": 3, "mrz": 3, "apr": 4, "mai": 5, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "okt": 10, "oct": 10, "nov": 11, "dez": 12, "dec": 12,
}  # fmt: skip
GERMAN_DAY = re.compile(r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)")
ISO_DAY = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
NAMED_DAY = re.compile(r"(?<!\d)(\d{1,2})\.?\s+([A-Za-zÄäÖöÜü]{3,9})\.?,?\s+(\d{4})(?!\d)")
ENGLISH_DAY = re.compile(r"\b([A-Za-z]{3,9})\.?\s+(\d{1,2}),\s+(\d{4})(?!\d)")
HOUR = re.compile(
    r"(?<![\d:./])([01]?\d|2[0-4])(?::([0-5]\d)(?!\d)(\s?[AaPp][Mm]\b)?|\.([0-5]\d)(?=\s*(?:Uhr|h\b|-|–|bis\b))|"
    r"\s*Uhr\s+([0-5]\d)(?![\d.:])|(?=\s*(?:Uhr|(?:-|–|bis)\s*\d{1,2}(?:[.:]\d\d)?\s*Uhr)))"
)
UNTIL = re.compile(
    r"[\s(]*+(?:(?:Uhr|h\b)[\s(]*+)?(?:-|–|/|bis\b|ende\b:?)\s*+(?:(?:ca\.?|gegen|etwa|um|voraussichtlich)\s*+)?", re.IGNORECASE
)
CLOCK = re.compile(r"(?:ab|ca\.?|um)?\s*\d{1,2}\.\d\d(?:\s*[-–]\s*\d{1,2}\.\d\d)?")
DAY_LIKE = re.compile(r"(?<!\d)\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}(?!\d)")


def day(text: str) -> str | None:
    """Return the first day in `text` as an ISO date: "Do, 14.03.2024", "14. März 2024", "Mar 14, 2024" -> "2024-03-14"; else None.

    Two-digit years are refused: an archive spans two centuries.
    """
    if hit := GERMAN_DAY.search(text):
        return _iso(int(hit[3]), int(hit[2]), int(hit[1]))
    if hit := ISO_DAY.search(text):
        return _iso(int(hit[1]), int(hit[2]), int(hit[3]))
    if (hit := NAMED_DAY.search(text)) and (month := MONTHS.get(hit[2][:3].lower())):
        return _iso(int(hit[3]), month, int(hit[1]))
    if (hit := ENGLISH_DAY.search(text)) and (month := MONTHS.get(hit[1][:3].lower())):
        return _iso(int(hit[3]), month, int(hit[2]))
    return None


def dated(text: str) -> bool:
    """Tell whether a cell shows a day, also one that leaves its century open: "03.11.25", "3. November 2025"."""
    return DAY_LIKE.search(text) is not None or (len(text) < 40 and day(text) is not None)


def _iso(year: int, month: int, number: int) -> str | None:
    try:
        return date(year, month, number).isoformat() if 1800 < year < 2200 else None
    except ValueError:
        return None


def hours(text: str) -> tuple[str | None, str | None]:
    """Return begin and end as "HH:MM" of "17:30 - 18:00", "ab 17.30 Uhr", "17 - 19 Uhr", "5:30 PM"; None where nothing stands.

    A second hour is the end only where the text says so: "18:00, nach der Sitzung um 17:00" names none.
    """
    hits = list(HOUR.finditer(f"{text} Uhr" if CLOCK.fullmatch(text) else text))[:2]
    if len(hits) == 2 and not UNTIL.fullmatch(text[hits[0].end() : hits[1].start()]):
        del hits[1]
    found: list[str | None] = [_clock(hit) for hit in hits]
    return (found + [None, None])[0], (found + [None, None])[1]


def _clock(hit: re.Match[str]) -> str:
    hour = int(hit[1])
    if hit[3]:
        hour = hour % 12 + (12 if hit[3].strip().lower() == "pm" else 0)
    return f"{hour:02d}:{hit[2] or hit[4] or hit[5] or '00'}"


def moments(iso_day: str | None, begin: str | None, end: str | None) -> tuple[str | None, str | None]:
    """Return start and end with Berlin's offset of that day: ("2025-11-03T17:30:00+01:00", ...).

    An end before its begin is past midnight. Without a begin no moment is made up, nor is an end without one.
    """
    if not iso_day or not begin:
        return None, None
    start = _moment(iso_day, begin)
    stop = _moment(iso_day, end) if end else None
    if stop and stop <= start:
        stop = (stop.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=BERLIN) if stop < start else None
    return start.isoformat(), stop.isoformat() if stop else None


def _moment(iso_day: str, clock: str) -> datetime:
    hour, minute = int(clock[:2]), int(clock[3:])
    whole = datetime.fromisoformat(iso_day) + timedelta(hours=hour, minutes=minute)
    return whole.replace(tzinfo=BERLIN)


def key_in(url: str | None, name: str) -> str | None:
    """Return the primary key that an address carries under `name` ("VOLFDNR"); None unless it is a number other than 0."""
    if not url or "=" not in url:
        return None
    before, told, rest = url.upper().partition(name + "=")
    if not told or before[-1:] not in ("?", "&", ";"):
        return None
    return number(rest if rest.isdigit() else rest.partition("&")[0].partition("#")[0].partition(";")[0])


def number(text: str | None) -> str | None:
    """Return a primary key as ALLRIS writes it: up to 18 digits without leading zeros, not 0; anything else is no key."""
    return text.lstrip("0") or None if text and len(text) <= 18 and text.isdigit() and text.isascii() else None


def parameters(url: str) -> dict[str, str]:
    """Return the parameters of an address, names in upper case, the last value winning."""
    return {name.upper(): value for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def base_of(url: str) -> str:
    """Return the folder in which a system's pages lie: ".../bi/allris.net.asp" and ".../bi" -> ".../bi/"."""
    parts = urlsplit(url)
    last = parts.path.rsplit("/", 1)[-1]
    path = parts.path if parts.path.endswith("/") else parts.path[: -len(last)] if _is_page(last) else parts.path + "/"
    return urljoin(url, path or "/")


def _is_page(name: str) -> bool:
    return "." in name or re.fullmatch(r"[a-z]{2}\d{3}(_\w+)?", name) is not None


LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def slug(text: str) -> str:
    """Return a lower-case ASCII form fit for an id: "Fraktion Bündnis 90/DIE GRÜNEN" -> "fraktion-buendnis-90-die-gruenen"."""
    ascii_text = unicodedata.normalize("NFKD", plain(text).lower().translate(LETTERS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")


GROUP = re.compile(
    r"fraktion|gruppe\b|ausschu(?:ss|ß)|beirat|^(?:der )?rat(?: der| des|$)|versammlung|präsidium|vorstand|\bamt\b|amt\s|amt$|dezernat|"
    r"fachbereich|abteilung|verwaltung|bürgermeister(?:amt|büro)|\bpartei\b|geschäftsstelle|behörde|betrieb|referat|stabsstelle|kommission|"
    r"bündnis 90|die grünen|^(?:cdu|spd|fdp|afd|csu|volt|bsw)\b|^die linke|piraten|freie wähler|wählerg|magistrat|ortschaftsrat|kämmerei",
    re.IGNORECASE,
)
PERSON = re.compile(
    r"\b(?:herr|herrn|frau|dr|prof|dipl)\b|vorsitzende|leiter|leitung|mitglied|sprecher|geschäftsführ|beauftragt|referent|dezernent|"
    r"bürgermeister(?:in)?\b|stadtrat\b|stadträtin|ratsherr|ratsfrau|abgeordnete|beigeordnete|@|\d{4,}",
    re.IGNORECASE,
)


def groups(names: Iterable[str]) -> list[str]:
    """Return the names that are a group's and nobody's own: "SPD-Fraktion" stays, "Meier, Amt 61" and "Frau Schulz" do not."""
    return [name for name in names if GROUP.search(name) and not PERSON.search(name) and "," not in name]


DENIED = (
    ("busy", re.compile(r"zu viele (?:zugriffe|anfragen)|too many requests", re.IGNORECASE)),
    ("not public", re.compile(r"zugriff verweigert|nicht berechtigt|access denied|keine berechtigung", re.IGNORECASE)),
    (
        "no information",
        re.compile(
            r"keine information(?:en)? (?:verfügbar|vorhanden)|no information available|"
            r"(?:seite|vorlage|sitzung|drucksache) (?:ist )?nicht (?:mehr )?vorhanden",
            re.IGNORECASE,
        ),
    ),
)


def denial(text: str, url: str) -> str:
    """Return why a page with HTTP 200 says nothing: "busy", "not public", "no information", or "" if it says none of these."""
    if "noauth" in url.lower():
        return "not public"
    return next((word for word, pattern in DENIED if pattern.search(text)), "")
