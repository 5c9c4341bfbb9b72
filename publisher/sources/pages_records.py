"""OParl 1.1 objects made of what pages say: ids from the system's primary keys, natural keys marked where it has none."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urljoin

from publisher.record import SCHEMA
from publisher.sources.allris3_lists import named
from publisher.sources.pages_common import moments, slug

TERMS = "https://w3id.org/oparl-ld/ns#"
SECTION_SLUGS = {"SV": "sachverhalt", "BV": "beschlussvorschlag", "FA": "finanzielle-auswirkungen", "AN": "anlagen", "WP": "protokoll",
                 "BS": "beschluss", "AE": "abstimmungsergebnis"}  # fmt: skip
ORGANIZATION_PAGES = {"au": ("au020", "AULFDNR"), "fr": ("fr020", "FRLFDNR"), "pa": ("pa020", "PALFDNR"), "gr": ("gr020", "GRLFDNR")}
ORGANIZATION_TYPES = {"au": "Gremium", "fr": "Fraktion", "pa": "Gremium", "gr": "Gremium"}
ADDRESS = re.compile(r"(.+?),\s*(\d{5})\s++([^\d(,]*[^\d(,\s])\s*+(?:[(,].*)?")
CODE = re.compile(r"((?:[A-ZÄÖÜ]{1,4}[ .]?)?\d[\w./]*|[A-ZÄÖÜ]{1,4}[\w./]*)\s+[-–]\s+(\S.+)")
MEETING_FILES = (
    ("resultsProtocol", re.compile(r"niederschrift|ergebnisprotokoll|beschlussprotokoll|^protokoll", re.IGNORECASE)),
    ("verbatimProtocol", re.compile(r"wortprotokoll|wörtliches protokoll", re.IGNORECASE)),
    ("invitation", re.compile(r"einladung|^bekanntmachung$|^öffentliche bekanntmachung$", re.IGNORECASE)),
)
KINSHIP = ("related", "superordinated", "subordinated")
COLLECTION = re.compile(r"sammel|gesamt|paket|aktenmappe", re.IGNORECASE)


class Place(NamedTuple):
    """Whose pages these are: jurisdiction of the ids, folder of the pages, ending of a page's name (".asp" or none)."""

    jurisdiction: str
    base: str
    ending: str = ".asp"
    file: str = "do027.asp?DOLFDNR={key}&options=64"

    @property
    def body(self) -> str:
        """Return the id of the Body: its key is the jurisdiction, so that its IRI is the jurisdiction's own."""
        return self.urn("body", self.jurisdiction)

    def urn(self, word: str, key: str) -> str:
        """Return the id of a thing: word is its class in lower case."""
        return f"urn:ris:{self.jurisdiction}:{word}/{key}"

    def page(self, code: str, name: str, key: str) -> str:
        """Return the address of a page about one thing."""
        return f"{self.base}{code}{self.ending}?{name}={key}"

    def organization(self, key: str) -> str | None:
        """Return the address of the page about an organization "au-235"; None where the system has none."""
        word, _, digits = key.partition("-")
        return self.page(*ORGANIZATION_PAGES[word], digits) if word in ORGANIZATION_PAGES and digits.isdigit() else None


def thing(place: Place, cls: str, key: str, web: str | None = None) -> dict[str, Any]:
    """Return the head of an object: type, id, and the page it stands on."""
    head = {"type": SCHEMA + cls, "id": place.urn(cls.lower(), key)}
    return head | {"web": web, "prov:wasDerivedFrom": [web]} if web else head


def said(obj: dict[str, Any]) -> dict[str, Any]:
    """Return an object without the keys that say nothing."""
    return {key: value for key, value in obj.items() if value not in (None, "", [], {})}


def body_object(place: Place, title: str, url: str) -> dict[str, Any]:
    """Return the Body whose council's pages are read."""
    number = {8: "ags", 12: "rgs"}.get(len(place.jurisdiction))
    obj = thing(place, "Body", place.jurisdiction, place.base) | {"name": title, "website": url}
    return obj | ({number: place.jurisdiction} if number else {})


def organization_object(place: Place, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Organization: of a page or list where `key` is "au-235", of a mere name where it is "name-..."."""
    key = facts["key"]
    web = place.organization(key)
    obj = thing(place, "Organization", key, web) | {"body": place.body, "name": facts["name"]}
    if web is None:
        obj |= {"oparlx:keyBasis": "name within the body", "prov:wasDerivedFrom": [facts["web"]]}
    word = key.partition("-")[0]
    classified = {"pa": "Parlament", "au": "Ausschuss"}.get(word)
    kind = facts.get("organizationType") or ORGANIZATION_TYPES.get(word)
    told = {name: facts.get(name) for name in ("shortName", "endDate", "website")}
    return said(obj | told | {"organizationType": kind, "classification": facts.get("classification", classified)})


def named_organization(name: str, kind: str | None) -> dict[str, Any]:
    """Return the facts of an organization that a page only names: a department "A 58 - Amt für ...", a faction, a committee."""
    hit = CODE.fullmatch(name)
    kind = "Fraktion" if re.search(r"fraktion|gruppe\b", name, re.IGNORECASE) else kind
    told = {"name": hit[2], "shortName": hit[1]} if hit else {"name": name}
    return {"key": f"name-{slug(name)}", "organizationType": kind, "classification": None} | told


def membership_object(place: Place, person: str, facts: Mapping[str, Any], behalf: str | None) -> dict[str, Any]:
    """Return a Membership; its key is person, organization and role, and the begin where one person came back to one role."""
    parts = [person, facts["organization"], slug(facts.get("role", "")), facts.get("again", "")]
    obj = thing(place, "Membership", "-".join(part for part in parts if part))
    extension = {"Funktion": facts.get("office") or (facts.get("function") if not behalf else None)}
    if facts.get("office") and not behalf:
        extension["Gruppe"] = facts.get("function")
    return said(obj | {"organization": place.urn("organization", facts["organization"]), "role": facts.get("role"),
                       "startDate": facts.get("startDate"), "endDate": facts.get("endDate"),
                       "onBehalfOf": place.urn("organization", behalf) if behalf and behalf != facts["organization"] else None,
                       "oparlx:keyBasis": "person + organization + role" + (" + begin" if facts.get("again") else ""),
                       "oparlx:extension": said(extension)})  # fmt: skip


def person_object(place: Place, key: str, name: str, memberships: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a Person with Memberships inside."""
    obj = thing(place, "Person", key, place.page("kp020", "KPLFDNR", key)) | {"body": place.body}
    return said(obj | named(name) | {"membership": memberships})


def file_object(place: Place, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return a File with a lasting address, made of its key or given on the page."""
    address = facts.get("url") or urljoin(place.base, place.file.format(key=facts["key"]))
    kind = facts.get("mimeType")
    return said(thing(place, "File", facts["key"]) | {"name": facts["name"], "mimeType": kind, "accessUrl": address})


def location_object(place: Place, room: str, address: str) -> dict[str, Any]:
    """Return where a meeting is held; parts of the address only where it surely has them."""
    text = f"{room}|{address}"
    key = f"{slug(text)[:60].strip('-')}-{sha256(text.encode()).hexdigest()[:8]}"
    hit = ADDRESS.fullmatch(address)
    parts = {"streetAddress": hit[1], "postalCode": hit[2], "locality": hit[3]} if hit else {}
    whole = hit is not None and address == f"{hit[1]}, {hit[2]} {hit[3]}"
    return said(thing(place, "Location", key) | {"room": room, "description": "" if whole else address} | parts
                | {"oparlx:keyBasis": "room + address"})  # fmt: skip


def consultation_key(paper: str, station: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key of a station of a paper and what it is made of: the item's key where known, else committee, date and role."""
    if station.get("agendaItem"):
        return f"{paper}-{station['agendaItem']}", "paper + agenda item"
    parts = (slug(station.get("organization", "")), station.get("day", ""), slug(station.get("role", "")))
    return "-".join(part for part in (paper, *parts) if part), "paper + committee + date + role"


def consultation_object(place: Place, paper: str, station: Mapping[str, Any], organization: str | None) -> dict[str, Any]:
    """Return a Consultation of a Beratungsfolge's station."""
    key, basis = consultation_key(paper, station)
    extension = {
        "Beschluss": station.get("result"),
        "Sitzung": station.get("name"),
        "Gremium": None if organization else station.get("organization"),
    }
    return said(thing(place, "Consultation", key) | {
        "organization": [place.urn("organization", organization)] if organization else None,
        "role": station.get("role"),
        "meeting": place.urn("meeting", station["meeting"]) if station.get("meeting") else None,
        "agendaItem": place.urn("agendaitem", station["agendaItem"]) if station.get("agendaItem") else None,
        "oparlx:day": station.get("day"), "oparlx:state": station.get("status"), "oparlx:keyBasis": basis,
        "oparlx:extension": said(extension),
    })  # fmt: skip


def paper_object(
    place: Place, facts: Mapping[str, Any], organizations: Mapping[str, list[str]], consultations: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a Paper with Consultations and files inside. `organizations`: keys by underDirectionOf, involved, originator."""
    key = facts["key"]
    obj = thing(place, "Paper", key, place.page("vo020", "VOLFDNR", key)) | {"body": place.body}
    main = next((file for file in facts.get("file", ()) if not COLLECTION.search(file["name"])), None)
    others = [file_object(place, file) for file in facts.get("file", ()) if file is not main]
    linked = {f"{word}Paper": [place.urn("paper", other["key"]) for other in facts.get(word, ()) if other.get("key")] for word in KINSHIP}
    urns = {field: [place.urn("organization", name) for name in names] for field, names in organizations.items()}
    unlinked = [other["name"] for word in KINSHIP for other in facts.get(word, ()) if not other.get("key")]
    status = facts.get("status", "")
    public = {"öffentlich": True, "nichtöffentlich": False, "nicht öffentlich": False}.get(status.lower())
    extension = {"Anlagen": facts.get("attachment"), "Bezüglich": unlinked, "Status": status if public is None else None}
    return said(obj | {
        "name": facts.get("name"), "reference": facts.get("reference"), "date": facts.get("date"), "paperType": facts.get("paperType"),
        "underDirectionOf": urns.get("underDirectionOf"), "originatorOrganization": urns.get("originator"),
        "oparlx:involvedOrganization": urns.get("involved"), "oparlx:fileNumber": facts.get("fileNumber"), "oparlx:public": public,
        **linked, "mainFile": file_object(place, main) if main else None, "auxiliaryFile": others,
        "oparlx:section": sections(obj["id"], facts), "consultation": consultations, "oparlx:extension": said(extension),
    })  # fmt: skip


def sections(paper: str, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a paper's texts in their order; the id names the kind of text, not its place."""
    return [
        {"type": f"{TERMS}PaperSection", "id": f"{paper}/section/{SECTION_SLUGS.get(part['anchor'], slug(part['anchor']))}",
         "name": part["name"], "order": at, "text": part["text"]}
        for at, part in enumerate(facts.get("section", ()))
    ]  # fmt: skip


def agenda_item_object(
    place: Place, meeting: str, at: int, facts: Mapping[str, Any], known: Callable[[str, str], bool]
) -> dict[str, Any] | None:
    """Return an AgendaItem; None where neither a key nor a number names it. `known`(paper, item): does that paper list that item?"""
    key = facts.get("key") or (f"{meeting}-{slug(facts['number'])}" if facts.get("number") else None)
    if key is None:
        return None
    web = place.page("to020", "TOLFDNR", facts["key"]) if facts.get("page") else None
    obj = thing(place, "AgendaItem", key, web)
    if not facts.get("key"):
        obj["oparlx:keyBasis"] = "meeting + number"
    paper = facts.get("paper")
    linked = bool(paper and facts.get("key") and known(paper, facts["key"]))
    extension = {
        "Zusatz": facts.get("extra"), "Nachtrag": facts.get("supplement"), "Zuständigkeit": facts.get("competence"),
        "Niederschrift": place.urn("meeting", facts["minutesOf"]) if facts.get("minutesOf") else None,
        "Vorlage": place.urn("paper", paper) if paper and not linked else None,
    }  # fmt: skip
    return said(obj | {
        "number": facts.get("number"), "order": at, "name": facts.get("name"), "public": facts.get("public"),
        "consultation": place.urn("consultation", f"{paper}-{facts['key']}") if linked else None,
        "result": facts.get("result"), "resolutionText": facts.get("resolutionText"),
        "oparlx:minutes": facts.get("minutes"), "oparlx:vote": facts.get("vote"),
        "auxiliaryFile": [file_object(place, file) for file in facts.get("file", ())], "oparlx:extension": said(extension),
    })  # fmt: skip


def meeting_object(place: Place, facts: Mapping[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a Meeting with its AgendaItems inside; where only the day is known, only the day is said."""
    key = facts["key"]
    web = place.page("to010", "SILFDNR", key) if key.isdigit() else None
    start, end = moments(facts.get("day"), facts.get("start"), facts.get("end"))
    files, rest = meeting_files(place, facts.get("file", ()))
    organization = facts.get("organization", {}).get("key")
    room, address = facts.get("room", ""), facts.get("place", "")
    status = facts.get("status", "")
    public = {"öffentlich": True, "nichtöffentlich": False, "nicht öffentlich": False}.get(status.lower())
    extension = {"Anlass": facts.get("occasion"), "Zusatz": facts.get("extra"), "Status": status if public is None else None,
                 "Gremium": None if organization else facts.get("organization", {}).get("name")}  # fmt: skip
    return said(thing(place, "Meeting", key, web) | {
        "body": place.body, "name": facts.get("name"), "start": start, "end": end,
        "oparlx:day": facts.get("day") if not start else None, "cancelled": facts.get("cancelled") or None, "oparlx:public": public,
        "location": location_object(place, room, address) if room or address else None,
        "organization": [place.urn("organization", organization)] if organization else None,
        **files, "auxiliaryFile": rest, "agendaItem": items, "oparlx:extension": said(extension),
        **({} if web else {"oparlx:keyBasis": "committee + date", "prov:wasDerivedFrom": [facts["url"]]}),
    })  # fmt: skip


def meeting_files(place: Place, files: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a meeting's files by what their names say they are: the first of each kind, and all others."""
    found: dict[str, Any] = {}
    rest = []
    for file in files:
        kind = next((key for key, pattern in MEETING_FILES if pattern.search(file["name"]) and key not in found), None)
        if kind and not COLLECTION.search(file["name"]):
            found[kind] = file_object(place, file)
        else:
            rest.append(file_object(place, file))
    return found, rest
