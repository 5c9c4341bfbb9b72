"""A mirror page of one paper read line by line: title, facts, sections, proposals, stations; every line is accounted for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from publisher.errors import Malformed
from publisher.sources.pages_common import denial, plain
from publisher.sources.unserac_lines import Line, is_html, lines_of, unix_lines

EXPECTED = (
    "a page of the unserAC mirror about one paper: a title, a line 'Originaldokument' with the address of the council's own page, "
    "then sections such as 'Sachlage:' or a 'Beratungsfolge'"
)
FACTS = {
    "last": ("letzte beratung", "nächste beratung"),
    "lead": ("federführend", "federführung", "federführendes amt", "federführende stelle", "federführende dienststelle"),
    "original": ("originaldokument", "original", "originalseite", "quelle"),
    "reference": ("vorlage-nr", "vorlage-nr.", "vorlagennummer", "vorlagen-nr.", "drucksache", "drucksachennummer", "nummer"),
    "paperType": ("art der vorlage", "vorlageart", "vorlagenart", "vorlage-art", "drucksache-art", "dokumentart"),
    "clerk": ("verfasser", "verfasserin", "bearbeiter", "bearbeiterin", "sachbearbeiter", "sachbearbeitung", "ansprechpartner",
              "ansprechpartnerin", "auskunft erteilt"),
}  # fmt: skip
STATION = {
    "role": ("art", "beratungsart", "zuständigkeit", "kompetenz", "art der beratung"),
    "committee": ("ausschuß", "ausschuss", "gremium"),
    "state": ("status", "stand", "ergebnis", "beschluss", "beschlussart"),
}
FACT_OF = {label: name for name, labels in FACTS.items() for label in labels}
STATION_OF = {label: name for name, labels in STATION.items() for label in labels}
BOILERPLATE = (
    ("share", re.compile(r"teilen:?|(?:auf|per|via) (?:facebook|twitter|x|mastodon|whatsapp|e-?mail|telegram)(?: teilen)?", re.I)),
    ("disclaimer", re.compile(r"anlagen können .{0,40}\boriginal\w* eingesehen werden\.?|für .{0,40}übertragungsfehler haftet .*", re.I)),
    ("map", re.compile(r"hier könntest du .{0,40}\bkarte\b.*|durch die nutzung der mapbox\b.*|(?:https?://)?www\.mapbox\.com/\S*|"
                       r"karten(?:inhalte)? (?:anzeigen|laden|ausblenden)", re.I)),
    ("print", re.compile(r"(?:seite )?drucken|nach oben|zurück(?: zur (?:übersicht|liste))?", re.I)),
)  # fmt: skip
STATION_LINKS = re.compile(r"(?:(?:details?|tagesordnung|zur sitzung|ical|termin speichern)(?:[\s|·]+|$))+", re.I)
NAMED = (
    r"beschluss(?:vorschlag|vorschläge|entwurf|empfehlung|fassung)?|sachlage|sachverhalt|sachstand|sach- und rechtslage|"
    r"sachdarstellung|rechtslage|begründung|erläuterung(?:en)?|anlass|problem|ziel(?:e|setzung)?|lösung|alternativen?|kosten|finanzierung|deckung|antrag(?:stext)?|"
    r"anfrage|antwort|stellungnahme(?: der verwaltung)?|petitum|hinweise?|zusammenfassung|ergebnis|historie|klimarelevanz|"
    r"anlagen?|anlage/n|anlage\(n\)|anhang"
)
KIND = r"(?!diese|folgende|alle|welche|keine|weitere)[\wäöüß-]{4,40}e"
EFFECTS = rf"(?:{KIND}(?:\s?(?:/|,|und)\s?{KIND}){{0,4}}\s)?(?:auswirkung(?:en)?|folgen|folgekosten|relevanz)(?: auf [\wäöüß ]{{3,60}})?"
HEADING = re.compile(rf"(?:{NAMED}|{EFFECTS})\s*:", re.I)
MONTHS = {"januar": 1, "februar": 2, "märz": 3, "april": 4, "mai": 5, "juni": 6, "juli": 7, "august": 8, "september": 9, "oktober": 10,
          "november": 11, "dezember": 12}  # fmt: skip
SHORT = {name[:3]: number for name, number in MONTHS.items()} | {"sept": 9, "mrz": 3}
WEEKDAYS = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
WEEKDAY = rf"(?:({'|'.join(WEEKDAYS)}|sonnabend|(?:mo|di|mi|do|fr|sa|so)(?![a-zäöü]))\.?,?\s+(?:den\s+)?)?"
DAY = re.compile(
    rf"{WEEKDAY}(?:(\d{{1,2}})\.\s*(?:({'|'.join((*MONTHS, *sorted(SHORT, reverse=True)))})\.?\s+|(\d{{1,2}})\.\s?)(\d{{4}})(?!\d)"
    r"|(\d{4})-(\d\d)-(\d\d)(?!\d))",
    re.I,
)
SHORT_YEAR = re.compile(rf"{WEEKDAY}\d{{1,2}}\.\s?\d{{1,2}}\.\s?\d\d(?!\d)", re.I)
NO_DAY = re.compile(r"(?:noch )?(?:ohne termin|kein termin|termin (?:noch )?offen|nicht terminiert)", re.I)
OFFICE = r"(?:der|die) (?:ober)?(?:bürgermeister|städteregionsrat|landrat)(?:in|rätin)?"
FORMULA = re.compile(rf"(?:im auftrag|in vertretung|i\.\s?a\.|i\.\s?v\.|{OFFICE})\s*[:.]?", re.I)
NAMES = r"\(?(?:(?i:dr|prof|dipl)\.?[\w.-]*\s+){0,3}[A-ZÄÖÜ][\wäöüß'-]+(?:\s+[A-ZÄÖÜ][\wäöüß'-]+){0,3}\)?"
NAME = re.compile(NAMES)
SIGNED = re.compile(rf"^(?i:gez)\.?:?\s*\S.{{0,90}}$|^(?i:gezeichnet):?\s+{NAMES}$|(?<=\s)(?i:gez)\.\s*{NAMES}$")


class Entry(NamedTuple):
    """What became of one line: used, boilerplate, withheld or unmapped, and by which rule."""

    at: int
    text: str
    state: str
    rule: str


class Section(NamedTuple):
    """A heading as printed, without its colon ("" for text that has none), and the lines below it."""

    name: str
    lines: list[Line]


class Station(NamedTuple):
    """One stop of the Beratungsfolge. day: ISO date or ""; weekday: as printed, lower case."""

    day: str
    weekday: str
    meeting: str
    facts: dict[str, str]
    web: str


@dataclass
class Mirror:
    """What a page says, in the page's words, and the book of its lines."""

    title: list[Line] = field(default_factory=list)
    facts: dict[str, list[Line]] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)
    stations: list[Station] = field(default_factory=list)
    book: list[Entry] = field(default_factory=list)

    def put(self, line: Line, state: str, rule: str) -> None:
        self.book.append(Entry(line.at, line.text, state, rule))

    def fact(self, name: str) -> str:
        """Return the first line that stands under a label of the head, "" if none does."""
        return next((line.text for line in self.facts.get(name, ())), "")


def mirror(text: str, url: str) -> Mirror:
    """Return what a page's text export or HTML says. Raises Malformed for a page of another product, or none at all."""
    page = read(text)
    titled = any(re.search(r"\w", line.text) for line in page.title)
    if titled and page.facts.get("original") and (page.sections or page.stations or page.facts.keys() & {"lead", "last"}):
        return page
    raise Malformed(url, f"expected {EXPECTED}; {_instead(page, text)}")


def _instead(page: Mirror, text: str) -> str:
    told = denial(text[:20_000], "")
    if told:
        return f"the answer says: {told}"
    if not page.book:
        return "there is no text"
    missing = [word for word, there in (("title", page.title), ("'Originaldokument'", page.facts.get("original"))) if not there]
    return "missing: " + ", ".join(missing or ["sections, Beratungsfolge and Federführend"])


def ledger(text: str) -> list[Entry]:
    """Return what became of each line of a page that shows something, in the order of the page."""
    book = sorted(read(text).book)
    if is_html(text):
        return book
    shown = {entry.at for entry in book}
    tails = ((at, plain(line)) for at, line in enumerate(unix_lines(text), 1) if at not in shown)
    return sorted([*book, *(Entry(at, line, "used", "end of a link") for at, line in tails if line)])


def read(text: str) -> Mirror:
    """Return what the lines say, whatever page it is."""
    page, lines = Mirror(), []
    for line in lines_of(text):
        rule = "portal" if line.portal else next((name for name, pattern in BOILERPLATE if pattern.fullmatch(line.text)), "")
        if rule:
            page.put(line, "boilerplate", rule)
        else:
            lines.append(line)
    starts = [at for at in range(len(lines)) if _opens(lines, at)]
    _head(page, lines[: starts[0] if starts else len(lines)], bool(starts))
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        if _is_route(lines[start]):
            page.put(lines[start], "used", "heading")
            _route(page, lines[start + 1 : end])
        else:
            _section(page, lines[start], lines[start + 1 : end])
    return page


def _opens(lines: list[Line], at: int) -> bool:
    """Tell whether a line heads a section or the Beratungsfolge."""
    line = lines[at]
    if _is_route(line):
        below = lines[at + 1] if at + 1 < len(lines) else None
        return below is None or line.heading or _begins_station(below)
    named = HEADING.fullmatch(line.text.rstrip(":") + ":")
    return named is not None and (line.heading or (line.gap and line.text.endswith(":")))


def _is_route(line: Line) -> bool:
    return line.text.rstrip(": ").lower() in ("beratungsfolge", "beratungen", "beratungsverlauf")


def _label(text: str, labels: dict[str, str]) -> tuple[str, str]:
    """Return (name, value on the same line) of a label, ("", "") if it is none."""
    head, colon, rest = text.partition(":")
    name = labels.get(head.strip().lower(), "")
    return (name, rest.strip()) if name and (colon or not rest) else ("", "")


def _head(page: Mirror, lines: list[Line], more: bool) -> None:
    """Read title and facts. A fact's value runs to the next label or paragraph; what follows is text without a heading."""
    name, preamble = "", list[Line]()
    for line in lines:
        label, value = _label(line.text, FACT_OF)
        if label:
            name = label
            page.put(line, "withheld" if label == "clerk" and value else "used", "clerk" if label == "clerk" else "label")
            if value or line.links:
                _value(page, name, line._replace(text=value), booked=True)
        elif not name:
            page.title.append(line)
        elif not page.facts.get(name) or (not line.gap and name != "original" and len(page.facts[name]) < 9):
            _value(page, name, line)
        else:
            preamble.append(line)
    headed = [line for line in page.title if line.heading]
    if headed:  # In HTML the title is a heading; what stands beside it is something else.
        for line in page.title:
            if not line.heading:
                page.put(line, "unmapped", "")
        page.title = headed
    for line in page.title:
        page.put(line, "used", "title")
    if preamble and (page.facts.get("original") or more):
        _text(page, "", preamble)
    else:
        for line in preamble:
            page.put(line, "unmapped", "")


def _value(page: Mirror, name: str, line: Line, *, booked: bool = False) -> None:
    if name == "clerk":
        page.facts[name] = [Line(line.at, "")]
    else:
        page.facts.setdefault(name, []).append(line)
    if not booked:
        page.put(line, "withheld" if name == "clerk" else "used", name)


def _section(page: Mirror, head: Line, lines: list[Line]) -> None:
    page.put(head, "used", "heading")
    _text(page, head.text.rstrip(": "), lines)


def _text(page: Mirror, name: str, lines: list[Line]) -> None:
    """Keep a section's lines without the names of those who signed."""
    kept = []
    for line, signed in zip(lines, _signatures(lines), strict=True):
        hit = SIGNED.search(line.text)
        if signed:
            page.put(line, "withheld", "signature")
        elif hit:
            page.put(line, "used", "text before a signature")
            kept.append(line._replace(text=line.text[: hit.start()]))
        else:
            page.put(line, "used", "text")
            kept.append(line)
    page.sections.append(Section(name, kept))


def _signatures(lines: list[Line]) -> Iterator[bool]:
    """Yield for each line whether it is part of a signature: a closing formula with a name below it, or "gez." with a name."""
    texts = [line.text for line in lines] + [""]
    formula = False
    for text, below in zip(texts, texts[1:], strict=False):
        hit = SIGNED.search(text)
        whole = hit is not None and hit.start() == 0
        name = formula and len(text) < 60 and NAME.fullmatch(text) is not None
        formula = FORMULA.fullmatch(text) is not None and (SIGNED.match(below) is not None or NAME.fullmatch(below) is not None)
        yield whole or name or formula


def _route(page: Mirror, lines: list[Line]) -> None:
    """Read the stations: each begins with its day; labels and values follow."""
    at = 0
    while at < len(lines) and not _begins_station(lines[at]):
        page.put(lines[at], "unmapped", "")
        at += 1
    while at < len(lines):
        end = next((later for later in range(at + 1, len(lines)) if _begins_station(lines[later])), len(lines))
        page.stations.append(_station(page, lines[at:end]))
        at = end


def _begins_station(line: Line) -> bool:
    return any(pattern.match(line.text) for pattern in (DAY, NO_DAY, SHORT_YEAR))


def _station(page: Mirror, lines: list[Line]) -> Station:
    head, facts, name, web = lines[0], dict[str, str](), "", ""
    page.put(head, "used", "station")
    hit = DAY.match(head.text) or NO_DAY.match(head.text) or SHORT_YEAR.match(head.text)
    meeting = head.text[hit.end() if hit else 0 :].strip(" -–:,")
    for line in lines[1:]:
        label, value = _label(line.text, STATION_OF)
        waiting = name if name and name not in facts else ""
        if label and (waiting != "role" or label == "committee"):  # "Beschluss" is a role here, a label there
            name = label
            page.put(line, "used", "label")
            if value:
                facts[name] = value
        elif waiting:
            facts[name] = line.text
            page.put(line, "used", name)
        elif STATION_LINKS.fullmatch(line.text):
            page.put(line, "boilerplate", "station link")
            web = web or next((link.target for link in line.links if link.target.startswith(("http://", "https://"))), "")
        elif not meeting and not facts:
            meeting = line.text
            page.put(line, "used", "meeting")
        else:
            page.put(line, "unmapped", "")
    day, weekday = iso_day(head.text)
    return Station(day, weekday, meeting, facts, web)


def iso_day(text: str) -> tuple[str, str]:
    """Return (ISO date, weekday in lower case) of the day that `text` begins with: "Do., 17. Juni 2021"; "" where none stands.

    A year of two digits leaves the century open and gives none.
    """
    hit = DAY.match(text)
    if not hit:
        return "", ""
    word = (hit[1] or "").lower()
    weekday = next((name for name in WEEKDAYS if len(word) == 2 and name.startswith(word)), word)
    try:
        if hit[6]:
            return date(int(hit[6]), int(hit[7]), int(hit[8])).isoformat(), weekday
        month = (MONTHS | SHORT)[hit[3].lower()] if hit[3] else int(hit[4])
        return date(int(hit[5]), month, int(hit[2])).isoformat(), weekday
    except ValueError:
        return "", ""
