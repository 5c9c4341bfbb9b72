"""OParl objects made of what a mirror page says, under natural keys where the page names no id."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from publisher.config import Source
from publisher.errors import Malformed
from publisher.record import SCHEMA, Note
from publisher.sources.pages_common import groups, key_in, slug
from publisher.sources.unserac_damage import Damage, damages
from publisher.sources.unserac_lines import Line
from publisher.sources.unserac_page import WEEKDAYS, Mirror, Section, Station, iso_day

TERMS = "https://w3id.org/oparl-ld/ns#"
# Official municipality keys; the word stands in the host of the commune's own system. The region comes before the city of its name.
COMMUNES = (
    ("staedteregion", "05334", "StädteRegion Aachen"),
    ("alsdorf", "05334004", "Stadt Alsdorf"),
    ("baesweiler", "05334008", "Stadt Baesweiler"),
    ("eschweiler", "05334012", "Stadt Eschweiler"),
    ("herzogenrath", "05334016", "Stadt Herzogenrath"),
    ("monschau", "05334020", "Stadt Monschau"),
    ("roetgen", "05334024", "Gemeinde Roetgen"),
    ("simmerath", "05334028", "Gemeinde Simmerath"),
    ("stolberg", "05334032", "Stadt Stolberg (Rhld.)"),
    ("wuerselen", "05334036", "Stadt Würselen"),
    ("aachen", "05334002", "Stadt Aachen"),
)
# How the systems' own pages name a paper; ALLRIS first, whose key stands alone in our id.
PAPER_KEYS = (("VOLFDNR", ""), ("__KVONR", "kvonr-"), ("KVONR", "kvonr-"))
KEY_BASIS = {
    "Body": "official regional key",
    "Organization": "name within the body",
    "Meeting": "committee + date",
    "Consultation": "paper + committee + date + role",
    "section": "heading within the paper",
    "proposal": "letter within the paper",
}
CODE = re.compile(r"((?:[A-ZÄÖÜ][A-Za-zäöü]{0,3}\.?\s?)?(?:\d[\w./]*|[IVX]{1,5}\b[\w./]*))\s+[-–]\s+(\S.+)")
MOVER = re.compile(
    r"\b(?:\w*anträge|\w*antrag(?:es|s)?|\w*anfragen?|\w*vorschl(?:ag|ags|ages|äge)|resolution|initiative|eingabe)\s+"
    r"(der|des|von)\s+(.{3,200}?)\s{0,5}(?=\bvom\b|\bzu[rm]?\b|\bbetr|\bgem\.|\bgemäß\b|\bauf\b|\(|:|;|,\s*ein|\s[-–]\s|$)",
    re.IGNORECASE,
)
FACTIONS = re.compile(r"(?:\w+-?)?fraktionen\s+(?:(?:von|der)\s+)?(.+)", re.IGNORECASE)
PROPOSAL = re.compile(
    r"(?:([A-Za-z]|\d{1,2})[).]\s*)?((?:\w+e[rn]?\s+){0,2}(?:beschluss(?:vorschlag|entwurf|empfehlung|antrag)|alternativ\w*|variante|vorschlag)\b.{0,120})",
    re.IGNORECASE,
)
AMENDED = re.compile(r"\b(?:ge|abge|über)(?:ändert|wandelt|arbeitet)\w*|\b(?:abweichend|ergänzt|modifiziert|neugefasst)\w*", re.IGNORECASE)


class Parts(NamedTuple):
    """What one page becomes: objects by class in the order of publication, and what was noticed."""

    objects: list[dict[str, Any]]
    notes: list[Note]


def commune_of(url: str) -> tuple[str, str] | None:
    """Return (official key, name) of the commune whose system an address belongs to; None for one not in the table."""
    host = (urlsplit(url).hostname or "").lower()
    return next(((key, name) for word, key, name in COMMUNES if word in host), None)


def key_of(jurisdiction: str) -> str:
    """Return the 8 or 5 digits that a jurisdiction is known by: ARS 053340002002 -> 05334002, 053340000000 -> 05334."""
    if len(jurisdiction) != 12:
        return jurisdiction
    return jurisdiction[:5] if jurisdiction[5:] == "0000000" else jurisdiction[:5] + jurisdiction[9:]


def paper_key(original: str, url: str) -> str:
    """Return the key of the paper from the address of the council's own page. Raises Malformed."""
    for name, head in PAPER_KEYS:
        if key := key_in(original, name):
            return head + key
    raise Malformed(
        url, f"expected an address of a paper under 'Originaldokument', such as .../vo020.asp?VOLFDNR=1; found {original[:200]!r}"
    )


def original_of(page: Mirror, url: str) -> str:
    """Return the address of the council's own page. Raises Malformed."""
    for line in page.facts.get("original", ()):
        for target in (line.text, *(link.target for link in line.links)):
            if re.match(r"https?://[\w.-]+/\S+$", target):
                return target
    raise Malformed(url, "expected an http address under 'Originaldokument'")


class Town(NamedTuple):
    """Whose page this is: the ids' jurisdiction and the name of the Body."""

    jurisdiction: str
    name: str

    def urn(self, word: str, key: str) -> str:
        """Return the id of a thing: word is its class in lower case."""
        return f"urn:ris:{self.jurisdiction}:{word}/{key}"

    def thing(self, cls: str, key: str) -> dict[str, Any]:
        """Return the head of an object that belongs to the Body; a Paper alone has an id of its own."""
        head = {"type": SCHEMA + cls, "id": self.urn(cls.lower(), key)}
        return head if cls == "Paper" else head | {"oparlx:keyBasis": KEY_BASIS[cls]}

    def body(self) -> dict[str, Any]:
        """Return the Body."""
        known = key_of(self.jurisdiction)
        keys = {"ags": known} if len(known) == 8 else {"rgs": known.ljust(12, "0")}
        return self.thing("Body", self.jurisdiction) | {"name": self.name} | keys

    def organization(self, name: str, kind: str, short: str = "") -> dict[str, Any]:
        """Return the Organization of a name. Raises Malformed if nothing of it could stand in an id."""
        if not slug(name):
            raise Malformed(name, "expected the name of a committee, office or faction")
        obj = self.thing("Organization", slug(name)) | {"body": self.urn("body", self.jurisdiction), "name": name}
        return obj | ({"shortName": short} if short else {}) | {"organizationType": kind}


def town(source: Source, original: str, url: str) -> Town:
    """Return whose page it is. Raises Malformed if it belongs to another commune than the source's, or the name is not known."""
    found, wanted = commune_of(original), key_of(source.jurisdiction)
    if found and found[0] != wanted:
        raise Malformed(url, f"expected a page of {wanted}; it mirrors {found[1]} ({found[0]}), which needs a source of its own")
    named = source.title or next((name for _, key, name in COMMUNES if key == wanted), "")
    if not named:
        raise Malformed(url, f"expected the commune's name; none is known for {wanted}: give the source a title")
    return Town(source.jurisdiction, named)


def objects(page: Mirror, source: Source, url: str) -> Parts:
    """Return Body, Organizations, Meetings and the Paper of a page. Raises Malformed if it is no paper of this source's commune."""
    original = original_of(page, url)
    place = town(source, original, url)
    key = paper_key(original, url)
    notes: list[Note] = []
    paper = place.thing("Paper", key) | {"body": place.urn("body", place.jurisdiction), "name": title(page.title)}
    movers = [place.organization(name, "Fraktion") for name in proposers(paper["name"])]
    offices = list(_offices(page, place, notes))
    proposals, backers = _proposals(page.sections, place, paper["id"], notes)
    stations = [_station(station, place, key) for station in page.stations]
    paper |= _facts(page)
    paper |= {"web": original, "prov:wasDerivedFrom": [original, *([url] if url.startswith("http") else [])]}
    paper |= _ids("originatorOrganization", movers) | _ids("underDirectionOf", offices)
    paper |= _some("consultation", _once([consultation for consultation, _, _ in stations], notes))
    paper |= _some("oparlx:section", _sections(page.sections, paper["id"], notes)) | _some("oparlx:proposal", proposals)
    paper |= _some("oparlx:damage", list(_damaged(page, notes)))
    notes += [Note("withheld", "signature", "oparlx:signatory") for entry in page.book if entry.state == "withheld"]
    notes += [Note("unmapped", "line of text", f"line {entry.at}") for entry in page.book if entry.state == "unmapped"]
    organizations = [*(organization for _, organization, _ in stations if organization), *offices, *movers, *backers]
    meetings = [meeting for _, _, meeting in stations if meeting]
    return Parts([place.body(), *organizations, *meetings, paper], notes)


def title(lines: Sequence[Line]) -> str:
    """Return a paper's name on one line, without the dash that a lost end leaves."""
    return " ".join(line.text for line in lines).strip(" -–")


def proposers(text: str) -> list[str]:
    """Return the factions and offices that a title or heading names as movers: "Antrag der X-Fraktion vom 1.1.2021" -> ["X-Fraktion"].

    "Fraktionen A und B" gives "Fraktion A", "Fraktion B". Persons are never returned.
    """
    hit = MOVER.search(text)
    if not hit:
        return []
    many = FACTIONS.fullmatch(hit[2])
    parts = [part.strip(" ,") for part in re.split(r",\s+|(?<!\s)\s++(?:und|sowie|&)\s+(?:der\s+|von\s+)?", many[1] if many else hit[2])]
    names = [f"Fraktion {part}" if many else part for part in parts if part]
    return list(dict.fromkeys(name for name in groups(names) if slug(name)))


def _offices(page: Mirror, place: Town, notes: list[Note]) -> Iterator[dict[str, Any]]:
    for line in page.facts.get("lead", ()):
        hit = CODE.fullmatch(line.text)
        name, short = (hit[2], hit[1]) if hit else (line.text, "")
        if re.search(r"\b(?:Herrn?|Frau)\b", name):
            notes.append(Note("withheld", "clerk", "underDirectionOf"))
        elif slug(name):
            yield place.organization(name, "Verwaltungsbereich", short)


def _facts(page: Mirror) -> dict[str, Any]:
    made: dict[str, Any] = {name: page.fact(name) for name in ("reference", "paperType") if page.fact(name)}
    last = page.fact("last").lower()
    if re.search(r"\bnicht\s?-?öffentlich", last):
        made["oparlx:public"] = False
    elif "öffentlich" in last:
        made["oparlx:public"] = True
    return made


def _station(station: Station, place: Town, paper: str) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]:
    """Return the Consultation, its committee and its meeting; a station without committee or day has none."""
    committee, role = station.facts.get("committee", ""), station.facts.get("role", "")
    organization = place.organization(committee, "Gremium") if slug(committee) else None
    who = slug(committee) or slug(station.meeting) or "ohne-gremium"
    consultation = place.thing("Consultation", "/".join((paper, who, station.day or "ohne-termin", slug(role) or "ohne-art")))
    meeting = None
    if station.day:
        meeting = place.thing("Meeting", f"{who}/{station.day}") | ({"name": station.meeting} if station.meeting else {})
        meeting |= _ids("organization", [organization] if organization else []) | {"oparlx:day": station.day}
        meeting |= {"web": station.web} if station.web else {}
        meeting["oparlx:keyBasis"] = KEY_BASIS["Meeting"] if organization else "meeting name + date"
        consultation["meeting"] = meeting["id"]
    consultation |= _ids("organization", [organization] if organization else []) | ({"role": role} if role else {})
    consultation |= {"oparlx:state": station.facts["state"]} if station.facts.get("state") else {}
    return consultation, organization, meeting


def _once(consultations: Iterable[dict[str, Any]], notes: list[Note]) -> list[dict[str, Any]]:
    """Return the stations without repetitions; two that differ under one key are reported, and the first stays."""
    made: dict[str, dict[str, Any]] = {}
    for at, consultation in enumerate(consultations):
        first = made.setdefault(consultation["id"], consultation)
        if first is not consultation:
            notes.append(Note("normalised" if first == consultation else "damage", "station_twice", f"consultation.{at}"))
    return list(made.values())


def _sections(sections: Sequence[Section], paper: str, notes: list[Note]) -> list[dict[str, Any]]:
    """Return the sections in the page's order; a heading that comes twice stands once with both texts."""
    made: dict[str, dict[str, Any]] = {}
    for section in sections:
        word = slug(section.name) or "text"
        text = text_of(section.lines)
        if word in made:
            notes.append(Note("normalised", "heading_twice", f"oparlx:section.{made[word]['order']}"))
            made[word]["text"] = "\n\n".join(filter(None, (made[word].get("text"), text)))
            continue
        head = {"type": TERMS + "PaperSection", "id": f"{paper}/section/{word}", "oparlx:keyBasis": KEY_BASIS["section"]}
        made[word] = head | ({"name": section.name} if section.name else {}) | {"order": len(made) + 1} | ({"text": text} if text else {})
    return list(made.values())


def text_of(lines: Iterable[Line]) -> str:
    """Return the text of lines: a line each, an empty line before a paragraph."""
    made = ""
    for line in lines:
        made += ("\n\n" if line.gap else "\n") * bool(made) + line.text
    return made


def _proposals(
    sections: Sequence[Section], place: Town, paper: str, notes: list[Note]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rival proposals of one paper and the organizations behind them; a single proposal is the section itself."""
    made: dict[str, dict[str, Any]] = {}
    backers: list[dict[str, Any]] = []
    for section in sections:
        if not slug(section.name).startswith("beschluss"):
            continue
        for heading, lines in _variants(section.lines):
            letter = (heading[1] or "").lower()
            if letter in made:
                notes.append(Note("damage", "proposal_twice", f"oparlx:proposal.{letter}"))
                continue
            backing = [_backer(place, name) for name in _names(heading[2])]
            backers += backing
            head = {"type": TERMS + "ResolutionProposal", "id": f"{paper}/proposal/{letter}", "oparlx:keyBasis": KEY_BASIS["proposal"]}
            made[letter] = head | {"name": heading[2].rstrip(": "), "oparlx:number": f"{heading[1]})"} | _ids("oparlx:proposer", backing)
            made[letter] |= {"oparlx:amended": AMENDED.search(heading[2]) is not None, "text": text_of(lines)}
    for proposal in made.values():
        proposal["oparlx:alternativeTo"] = [other["id"] for other in made.values() if other is not proposal]
    return (list(made.values()), backers) if len(made) > 1 else ([], [])


def _variants(lines: Sequence[Line]) -> Iterator[tuple[re.Match[str], list[Line]]]:
    """Yield each lettered heading of a proposal with the lines below it."""
    heads = [
        (at, hit)
        for at, line in enumerate(lines)
        if (hit := PROPOSAL.fullmatch(line.text)) and hit[1] and not line.text.endswith((".", ";", ","))
    ]
    ends = [at for at, _ in heads[1:]] + [len(lines)]
    for (at, hit), end in zip(heads, ends, strict=False):
        if end > at + 1:
            yield hit, list(lines[at + 1 : end])


def _names(heading: str) -> list[str]:
    """Return who stands behind a proposal: "Geänderter Beschlussvorschlag der Verwaltung" -> ["Verwaltung"]."""
    return proposers("Antrag " + hit[0]) if (hit := re.search(r"\b(?:der|des|von)\s.+", heading.rstrip(": "))) else []


def _backer(place: Town, name: str) -> dict[str, Any]:
    kind = "Fraktion" if re.search(r"fraktion|gruppe", name, re.IGNORECASE) else "Verwaltungsbereich"
    committee = re.search(r"ausschu(?:ss|ß)|beirat|\brat\b|vertretung\b", name, re.IGNORECASE)
    return place.organization(name, "Gremium" if committee else kind)


def _damaged(page: Mirror, notes: list[Note]) -> Iterator[str]:
    """Yield what is damaged, in words, and note each with its path."""
    places = [("name", "Titel", page.title)]
    places += [(f"oparlx:section.{at}.text", section.name or "Text", section.lines) for at, section in enumerate(page.sections)]
    for path, place, lines in places:
        for damage in damages(lines):
            notes.append(Note("damage", damage.rule, path))
            yield damage.words(place)
    for at, damage in enumerate(_route_damages(page)):
        notes.append(Note("damage", damage.rule, f"consultation.{at}"))
        yield damage.words("Beratungsfolge")


def _route_damages(page: Mirror) -> Iterator[Damage]:
    for entry in page.book:
        if entry.rule == "station" and re.search(r"\d", entry.text) and not iso_day(entry.text)[0]:
            yield Damage("no_such_day", entry.text[:60])
    for station in page.stations:
        if station.day and station.weekday and not _falls_on(station.day, station.weekday):
            yield Damage("weekday", f"{station.weekday.capitalize()}, {station.day}")
    last = iso_day(page.fact("last"))[0]
    if last and page.stations and last not in [station.day for station in page.stations]:
        yield Damage("last_consultation", last)


def _falls_on(day: str, weekday: str) -> bool:
    return WEEKDAYS[date.fromisoformat(day).weekday()] == weekday.replace("sonnabend", "samstag")


def _ids(key: str, things: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    return {key: list(dict.fromkeys(thing["id"] for thing in things))} if things else {}


def _some(key: str, things: list[Any]) -> dict[str, list[Any]]:
    return {key: things} if things else {}
