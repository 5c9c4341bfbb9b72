"""Makes up OParl towns for tests and benchmarks: same size and seed, same objects, in the proportions counted in real crawls.

Per paper 1.07 consultations, 1.33 agenda items and 3.4 files; 7.2 items a meeting (Karlsruhe, SessionNet, 14,004 papers);
11 memberships a person (Hürtgenwald, SD.NET). Objects look as the journal keeps them: our IRIs, the source's id in owl:sameAs.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

Object = dict[str, Any]
SCHEMA = "https://schema.oparl.org/1.1/"
PLACES = {
    "Paper": "eli/dl/{}/vorlage", "Meeting": "eli/dl/{}/sitzung", "AgendaItem": "eli/dl/{}/top", "Consultation": "eli/dl/{}/beratung",
    "Organization": "id/{}/organization", "Person": "id/{}/person", "Membership": "id/{}/membership", "File": "id/{}/file",
    "Location": "id/{}/location", "LegislativeTerm": "id/{}/term", "System": "id/{}/system",
    "Body": "id/{}/body",
}  # fmt: skip
FIRST_DAY, DAYS = date(2000, 1, 10), 9_300
TERMS = ("1999-10-01", "2004-10-10", "2009-10-21", "2014-06-01", "2020-11-01")
COMMITTEES = (
    "Rat", "Haupt- und Finanzausschuss", "Bau- und Planungsausschuss", "Ausschuss für Umwelt und Klima", "Schulausschuss",
    "Jugendhilfeausschuss", "Sozialausschuss", "Ausschuss für Kultur und Sport", "Verkehrsausschuss", "Rechnungsprüfungsausschuss",
    "Betriebsausschuss Abwasser", "Ausschuss für Digitalisierung", "Bezirksvertretung Nord", "Bezirksvertretung Süd", "Seniorenbeirat",
)  # fmt: skip
FACTIONS = (
    "CDU-Fraktion",
    "SPD-Fraktion",
    "Fraktion Bündnis 90/Die Grünen",
    "FDP-Fraktion",
    "Fraktion Die Linke",
    "Freie Wählergemeinschaft",
)
OFFICES = ("Amt für Stadtplanung", "Kämmerei", "Jugendamt", "Tiefbauamt", "Schulverwaltungsamt", "Ordnungsamt", "Amt für Soziales")
ACTS = (
    "Neubau", "Sanierung", "Erweiterung", "Umbenennung", "Beleuchtung", "Verkehrsberuhigung", "Barrierefreier Ausbau", "Abriss",
    "Ausschreibung", "Haushaltsmittel", "Bebauungsplan", "Gebührensatzung", "Radverkehrsanlage", "Parkraumbewirtschaftung", "Förderung",
)  # fmt: skip
THINGS = (
    "der Kindertagesstätte", "der Grundschule", "des Freibads", "der Stadtbibliothek", "der Feuerwache", "des Rathauses", "der Turnhalle",
    "des Spielplatzes", "der Brücke", "des Marktplatzes", "der Kläranlage", "der Sozialraumkoordination", "des Busbahnhofs", "des Radwegs",
)  # fmt: skip
STREETS = ("Zollernstraße", "Hauptstraße", "Am Markt", "Bahnhofstraße", "Kirchweg", "Mühlenweg", "Lindenallee", "Schulstraße", "Im Bongert")
PAPER_TYPES = ("Beschlussvorlage",) * 59 + ("Antrag",) * 13 + ("Anfrage",) * 11 + ("Mitteilungsvorlage",) * 17
RESULTS = ("ungeändert beschlossen", "einstimmig beschlossen", "zur Kenntnis genommen", "abgelehnt", "vertagt", "geändert beschlossen")
FIRST = (
    "Anna",
    "Ayşe",
    "Bernd",
    "Claudia",
    "Dieter",
    "Elif",
    "Frank",
    "Gisela",
    "Heinz",
    "Ingrid",
    "Jürgen",
    "Karin",
    "Lukas",
    "Mehmet",
    "Nina",
)
LAST = (
    "Müller",
    "Schmidt",
    "Yılmaz",
    "Weber",
    "Wagner",
    "Becker",
    "Schäfer",
    "Koch",
    "Richter",
    "Klein",
    "Wolf",
    "Neumann",
    "Kaya",
    "Lange",
)
OPENING = ("Eröffnung der Sitzung", "Genehmigung der Niederschrift", "Mitteilungen der Verwaltung", "Verschiedenes")


class Town(NamedTuple):
    """A town's size and names. gaps: leave out what SD.NET leaves out (stamps of embedded objects, roles, public)."""

    papers: int
    seed: int
    base: str
    jurisdiction: str
    gaps: bool

    @property
    def meetings(self) -> int:
        return max(1, round(self.papers * 0.185))

    @property
    def people(self) -> int:
        return max(12, min(2_000, self.papers // 30))

    def iri(self, cls: str, key: object) -> str:
        return f"{self.base}/{PLACES[cls].format(self.jurisdiction)}/{key}"

    @property
    def body(self) -> str:
        return f"{self.base}/id/{self.jurisdiction}"

    def random(self, cls: str, number: int) -> Random:
        return Random(f"{self.seed}/{self.jurisdiction}/{cls}/{number}")

    def object(self, cls: str, key: object, day: date, *, embedded: bool = False, **keys: Any) -> Object:
        """Return an object with type, id, its keys, its source's id and the stamps."""
        stamps = {} if embedded and self.gaps else {"created": f"{day}T08:00:00+01:00", "modified": f"{day}T17:30:00+01:00"}
        same = f"https://oparl.example.org/{self.jurisdiction}/{cls.lower()}/{key}"
        return {"type": SCHEMA + cls, "id": self.iri(cls, key), **keys, **stamps, "owl:sameAs": [same]}

    def sketchy(self, **keys: Any) -> Object:
        """Return the keys, or none where this town has gaps."""
        return {} if self.gaps else keys


def generate(
    papers: int, seed: int = 1, *, base: str = "https://ris.example.org", jurisdiction: str = "05358016", gaps: bool = False
) -> Iterator[Object]:
    """Yield a town's objects, one after the other: System, Body, then organizations, people, meetings and papers."""
    town = Town(papers, seed, base, jurisdiction, gaps)
    yield _system(town)
    yield _body(town)
    yield from (_organization(town, number) for number in range(len(_groups())))
    yield from (_person(town, number) for number in range(town.people))
    yield from (_meeting(town, number) for number in range(town.meetings))
    yield from (_paper(town, number) for number in range(papers))


def _groups() -> tuple[tuple[str, str, str], ...]:
    """Return (name, organizationType, classification) of the town's organizations; committees first."""
    return (
        *((name, "Gremium", "Parlament" if name == "Rat" else "Ausschuss") for name in COMMITTEES),
        *((name, "Fraktion", "Fraktion") for name in FACTIONS),
        *((name, "Verwaltungsbereich", "Amt") for name in OFFICES),
    )


def _system(town: Town) -> Object:
    return town.object(
        "System", 1, FIRST_DAY, oparlVersion=SCHEMA, body=f"{town.base}/oparl/body", name="Ratsinformationssystem Musterstadt"
    )


def _body(town: Town) -> Object:
    terms = []
    for at, start in enumerate(TERMS):
        end = {} if at + 1 == len(TERMS) else {"endDate": str(date.fromisoformat(TERMS[at + 1]) - timedelta(days=1))}
        name = f"Wahlperiode ab {start[:4]}"
        terms.append(town.object("LegislativeTerm", at + 1, FIRST_DAY, embedded=True, body=town.body, name=name, startDate=start, **end))
    lists = ("organization", "person", "meeting", "paper", "agendaItem", "consultation", "file", "locationList", "membership")
    about = {
        "name": "Stadt Musterstadt",
        "shortName": "Musterstadt",
        "system": town.iri("System", 1),
        "ags": town.jurisdiction[:8],
        "license": "https://www.govdata.de/dl-de/by-2-0",
        "legislativeTerm": terms,
    }
    return {**town.object("Body", 1, FIRST_DAY, **about), "id": town.body, **{key: f"{town.body}/{key}" for key in lists}}


def _organization(town: Town, number: int) -> Object:
    name, kind, classification = _groups()[number]
    return town.object(
        "Organization",
        number,
        FIRST_DAY,
        body=town.body,
        name=name,
        organizationType=kind,
        classification=classification,
        startDate=TERMS[0],
    )


def _person(town: Town, number: int) -> Object:
    random = town.random("Person", number)
    given, family = random.choice(FIRST), random.choice(LAST)
    memberships = []
    for at, group in enumerate(random.sample(range(len(COMMITTEES)), 11 if number % 2 else 10)):
        role = "Vorsitz" if number == 0 else random.choice(("Mitglied", "stellvertretendes Mitglied", "sachkundige Bürgerin"))
        keys = {"person": town.iri("Person", number), "organization": town.iri("Organization", group), "votingRight": True}
        keys |= {"role": role, "startDate": random.choice(TERMS)}
        memberships.append(town.object("Membership", f"{number}-{at}", FIRST_DAY, embedded=True, **keys))
    return town.object(
        "Person", number, FIRST_DAY, body=town.body, name=f"{given} {family}", givenName=given, familyName=family, membership=memberships
    )


class Step(NamedTuple):
    """One consultation: of which paper, the how manyth of how many, in which meeting."""

    paper: int
    at: int
    of: int
    meeting: int

    @property
    def key(self) -> str:
        return f"{self.paper}-{self.at}"


def _steps(town: Town, paper: int) -> list[Step]:
    """Return a paper's route; 93 of 100 papers have one step, the others two, three meetings apart."""
    first = paper * town.meetings // town.papers
    of = 2 if paper % 14 == 3 and first + 3 < town.meetings else 1
    return [Step(paper, at, of, first + 3 * at) for at in range(of)]


@lru_cache(maxsize=256)
def _steps_in(town: Town, meeting: int) -> list[Step]:
    """Return what a meeting consults on."""
    found = []
    for first in (meeting - 3, meeting):
        begin, end = (-(-number * town.papers // town.meetings) for number in (first, first + 1))
        found += [step for paper in range(max(0, begin), min(town.papers, end)) for step in _steps(town, paper) if step.meeting == meeting]
    return found


def _day_of_meeting(town: Town, number: int) -> date:
    return FIRST_DAY + timedelta(days=(number + 1) * DAYS // town.meetings + 14)


def _committee(town: Town, number: int) -> str:
    return town.iri("Organization", number % len(COMMITTEES))


def _meeting(town: Town, number: int) -> Object:
    random = town.random("Meeting", number)
    day = _day_of_meeting(town, number)
    steps: list[Step | None] = [*_steps_in(town, number)]
    formal: list[Step | None] = [None] * (1 + random.randint(0, 1))
    items = [_agenda_item(town, number, at, step, day) for at, step in enumerate(formal + steps)]
    room = town.object(
        "Location", f"rathaus-{number % 3}", FIRST_DAY, embedded=True, description="Rathaus", room=f"Sitzungssaal {number % 3 + 1}",
        streetAddress="Am Markt 1", postalCode="52393", locality="Musterstadt",
    )  # fmt: skip
    return town.object(
        "Meeting", number, day, body=town.body, name=f"{number + 1}. Sitzung: {COMMITTEES[number % len(COMMITTEES)]}",
        meetingState="durchgeführt", start=f"{day}T18:00:00+01:00", end=f"{day}T20:15:00+01:00", organization=[_committee(town, number)],
        location=room, invitation=_file(town, f"e{number}", f"Einladung {day}", day),
        resultsProtocol=_file(town, f"n{number}", f"Niederschrift {day}", day), agendaItem=items,
    )  # fmt: skip


def _agenda_item(town: Town, meeting: int, at: int, step: Step | None, day: date) -> Object:
    random = town.random("AgendaItem", meeting * 1_000 + at)
    keys: Object = {"meeting": town.iri("Meeting", meeting), "number": f"Ö {at + 1}", "order": at}
    keys |= {"name": _title(town, step.paper) if step else OPENING[at % len(OPENING)], **town.sketchy(public=True)}
    if step:
        keys["consultation"] = town.iri("Consultation", step.key)
        if random.random() < 0.55:
            result = random.choice(RESULTS) if step.at + 1 == step.of else "empfohlen"
            keys |= {"result": result, "resolutionText": f"Der Ausschuss fasst zu „{keys['name']}“ den Beschluss: {_prose(random, 25)}"}
    return town.object("AgendaItem", f"{meeting}-{at}", day, embedded=True, **keys)


def _title(town: Town, paper: int) -> str:
    random = town.random("title", paper)
    return f"{random.choice(ACTS)} {random.choice(THINGS)} {random.choice(STREETS)} {random.randint(1, 120)}"


def _prose(random: Random, words: int) -> str:
    return " ".join(random.choice(random.choice((ACTS, THINGS, STREETS))) for _ in range(words)) + "."


def _file(town: Town, key: str, name: str, day: date) -> Object:
    url = f"{town.base}/datei/{key}.pdf"
    size = 20_000 + sum(map(ord, key)) * 97
    keys = {"name": name, "fileName": f"{key}.pdf", "mimeType": "application/pdf", "date": str(day), "size": size}
    return town.object("File", key, day, embedded=True, **keys, accessUrl=url, downloadUrl=url + "?download=1")


def _paper(town: Town, number: int) -> Object:
    random = town.random("Paper", number)
    day = FIRST_DAY + timedelta(days=number * DAYS // town.papers)
    title = _title(town, number)
    files = [
        _file(town, f"{number}-{at}", f"{title}, Anlage {at}" if at else title, day) for at in range(random.choice((2, 3, 3, 3, 4, 5)))
    ]
    kind = random.choice(PAPER_TYPES)
    keys: Object = {"body": town.body, "name": title, "reference": f"{day.year}/{number:05d}", "date": str(day), "paperType": kind}
    keys |= {
        "mainFile": files[0],
        "auxiliaryFile": files[1:],
        "consultation": [_consultation(town, step, day) for step in _steps(town, number)],
    }
    offices = len(COMMITTEES) + len(FACTIONS)
    keys["underDirectionOf"] = [town.iri("Organization", offices + random.randrange(len(OFFICES)))]
    if kind in ("Antrag", "Anfrage"):
        keys["originatorOrganization"] = [town.iri("Organization", len(COMMITTEES) + random.randrange(len(FACTIONS)))]
    if random.random() < 0.07:
        keys["location"] = [_place(town, number, day)]
    if number > 20 and random.random() < 0.05:
        keys["relatedPaper"] = [town.iri("Paper", number - random.randint(1, 20))]
    return town.object(
        "Paper", number, day, **keys, license="https://www.govdata.de/dl-de/by-2-0", web=f"{town.base}/vo020?VOLFDNR={number}"
    )


def _consultation(town: Town, step: Step, day: date) -> Object:
    steps = _steps_in(town, step.meeting)
    formal = 1 + town.random("Meeting", step.meeting).randint(0, 1)
    item = f"{step.meeting}-{formal + steps.index(step)}"
    last = step.at + 1 == step.of
    return town.object(
        "Consultation", step.key, day, embedded=True, paper=town.iri("Paper", step.paper), meeting=town.iri("Meeting", step.meeting),
        agendaItem=town.iri("AgendaItem", item), organization=[_committee(town, step.meeting)],
        **town.sketchy(role="Entscheidung" if last else "Vorberatung", authoritative=last),
    )  # fmt: skip


def _place(town: Town, number: int, day: date) -> Object:
    random = town.random("Location", number)
    point = [round(6.3 + random.random() / 5, 5), round(50.6 + random.random() / 5, 5)]
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": {}}
    street = f"{random.choice(STREETS)} {random.randint(1, 120)}"
    keys = {"description": street, "streetAddress": street, "postalCode": "52393", "locality": "Musterstadt", "geojson": feature}
    return town.object("Location", f"p{number}", day, embedded=True, **keys)
