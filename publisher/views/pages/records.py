"""The page of any record or part: its class has a template of its own, or its properties are shown as the ontology names them."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
from flask import current_app

from publisher import __version__
from publisher.journal.reader import Found, Reader
from publisher.ontology import ontology
from publisher.views import standing, words
from publisher.views.pages import changes, meetings, papers, people, places, towns
from publisher.views.pages.frame import Things, asked_language, document, label, memory, name_of, page, place_of, remembered, site, today
from publisher.views.shelf import links

ALWAYS = frozenset(
    ("type", "id", "created", "modified", "deleted", "owl:sameAs", "prov:wasDerivedFrom", "oparlx:keyBasis", "oparlx:damage")
)
TOLD, ROWS, SHORT = 3, 6, 2000  # of the newest versions, so many changes each, of so many characters; the rest has a page of its own
TAIL = frozenset(("license", "oparlx:licenseText", "web", "body"))


class View(NamedTuple):
    """How a class is shown: its template, what it needs beyond the record, and the keys that the template shows."""

    template: str
    more: Callable[[dict[str, Any], Things, str], dict[str, Any]]
    keys: frozenset[str]


def nothing(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return nothing: the class's properties speak for themselves."""
    del obj, things, lang
    return {}


GENERIC = View("record.html", nothing, frozenset(("name",)))
VIEWS: Mapping[str, View] = {
    "Paper": View("paper.html", papers.paper, papers.KEYS),
    "Meeting": View("meeting.html", meetings.meeting, meetings.KEYS),
    "AgendaItem": View("agendaitem.html", meetings.agenda_item, meetings.ITEM_KEYS),
    "Organization": View("organization.html", people.organization, people.ORGANIZATION_KEYS),
    "Person": View("person.html", people.person, people.PERSON_KEYS),
    "Body": View("body.html", towns.body, towns.KEYS),
    "Location": View("location.html", places.location, places.KEYS),
}


class Cell(NamedTuple):
    """One shown value: its text, where it leads, and its own rows if it is an object."""

    text: str
    href: str = ""
    rows: tuple["Row", ...] = ()


class Row(NamedTuple):
    """One property with its label and, where the ontology explains it, what it means."""

    key: str
    label: str
    comment: str
    cells: tuple[Cell, ...]


def render(found: Found, reader: Reader, lang: str) -> tuple[Any, bytes]:
    """Return (key, page in UTF-8) of a record or part, of a tombstone too; made once a release, a language and a day.

    By the key the page can be had `again` without reading the record.
    """
    key = (found.iri, found.seq, lang, asked_language(), today().isoformat())

    def make() -> bytes:
        with reader.still():
            return _rendered(found, reader, lang).encode()

    made: bytes = remembered(key, make, reader.release)
    return key, made


def again(key: Any, release: int) -> bytes | None:
    """Return a page of a release that is still remembered, None otherwise."""
    found: bytes | None = memory().held(key, release)
    return found


def stamp(reader: Reader, lang: str) -> str:
    """Return what the tag of a page must name beside its record: release, language, day, and the version of this software."""
    return f"{reader.release}-{lang}-{today().isoformat()}-{__version__}"


def _rendered(found: Found, reader: Reader, lang: str) -> str:
    obj = orjson.loads(found.json)
    things = Things(reader)
    if found.deleted:
        return page("tombstone.html", lang, record=obj, found=found, **_common(found, obj, things, lang, GENERIC))
    view = VIEWS.get(found.type, GENERIC)
    return page(view.template, lang, record=obj, found=found, **_common(found, obj, things, lang, view), **view.more(obj, things, lang))


def _common(found: Found, obj: dict[str, Any], things: Things, lang: str, view: View) -> dict[str, Any]:
    body = things(str(obj["body"])) if isinstance(obj.get("body"), str) else None
    owner = things(found.owner) if found.owner != found.iri else None
    return {
        "title": name_of(obj),
        "class_label": label(obj["type"], lang),
        "iri": found.iri,
        "json_ld": document(found.json, things.reader.base),
        "body": body,
        "rows": rows(obj, view.keys | ALWAYS | TAIL, things, lang),
        "history": history(found, things, lang),
        "license": license_of(obj, body, things) or (license_of(owner, things(str(owner.get("body", ""))), things) if owner else ""),
        "owner": owner,
        "damage": standing.listed(obj.get("oparlx:damage")),
        "key_basis": obj.get("oparlx:keyBasis", ""),
        "originals": originals(obj),
        "same_as": [*standing.listed(obj.get("owl:sameAs")), *(other for _, other in links(things.reader.release).of.get(found.iri, ()))],
        "contact": site().contact or _contact(found, things.reader),
        "base": current_app.config["BASE"],
        "current_iri": found.iri,
    }


def originals(obj: dict[str, Any]) -> list[str]:
    """Return the addresses of the pages a record was made from, each once."""
    named = (*standing.listed(obj.get("web")), *standing.listed(obj.get("prov:wasDerivedFrom")))
    return [url for url in dict.fromkeys(str(one) for one in named) if place_of(url)]


def rows(obj: dict[str, Any], left_out: Iterable[str], things: Things, lang: str) -> tuple[Row, ...]:
    """Return the properties of an object, those of `left_out` aside, each with its label from the ontology and readable values."""
    uses = ontology().uses.get(obj.get("type", ""), {})
    found = []
    for key, value in obj.items():
        use = uses.get(key)
        if key in left_out or use is None or use.external:
            continue
        if key == "geojson":  # a list of numbers is no reading
            value = places.geometry(value)
        cells = tuple(_cell(item, things, lang) for item in standing.listed(value) if item != "")
        if cells:
            found.append(Row(key, label(use.predicate, lang), explained(use.predicate, lang), cells))
    return tuple(found)


def explained(term: str, lang: str) -> str:
    """Return what the ontology says a term means, "" where it says nothing."""
    comments = getattr(ontology(), "comments", {})
    found: dict[str, str] = comments.get(term, {})
    return found.get(lang, "")


def _cell(value: Any, things: Things, lang: str) -> Cell:
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return Cell(name_of(value), place_of(value["id"]), rows(value, ALWAYS | {"name"}, things, lang))
    if isinstance(value, dict | list):
        return Cell("", rows=_nested(value, things, lang))
    if isinstance(value, bool):
        return Cell(words.text("yes" if value else "no", lang))
    if isinstance(value, str) and (href := place_of(value)):
        target = things(value)
        return Cell(name_of(target) if target else value, href)
    if isinstance(value, str) and standing.moment(value)[0] and len(value) >= 10:
        return Cell(" ".join(part for part in (words.long_day(standing.moment(value)[0], lang), standing.moment(value)[1]) if part))
    return Cell(str(value))


def _nested(value: Any, things: Things, lang: str) -> tuple[Row, ...]:
    """Return an object without an IRI, such as a vendor's extension, as rows under its own keys; a list within a list is numbered."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
    return tuple(Row(str(key), str(key), "", tuple(_cell(one, things, lang) for one in standing.listed(item))) for key, item in pairs)


class Step(NamedTuple):
    """One version of a record: when it was read, the first changes since the one before, and where all of them are told."""

    seq: int
    iri: str
    recorded: str
    deleted: bool
    changed: tuple[changes.Row, ...]
    more: str


def history(found: Found, things: Things, lang: str) -> list[Step]:
    """Return the published versions of a record, newest first; of a part, those of its owner. What changed is told of the newest few."""
    versions = things.reader.versions(found.owner)
    objects = [orjson.loads(one.json) for one in versions[-TOLD - 1 :]] if len(versions) > 1 else []
    told = [(), *(tuple(changes.rows(*pair, things, lang, stamps=False)) for pair in pairwise(objects))]
    told = [()] * (len(versions) - len(told)) + told
    steps = []
    for at, (one, rows_) in enumerate(zip(versions, told, strict=True)):
        more = f"{one.iri}/v?from={versions[at - 1].seq}&to={one.seq}" if at else ""
        short = tuple(row for row in rows_ if len(row.told) <= SHORT)[:ROWS]
        steps.append(Step(one.seq, f"{one.iri}/v/{one.seq}", one.recorded, one.deleted, short, more))
    return steps[::-1]


def license_of(obj: dict[str, Any], body: dict[str, Any] | None, things: Things) -> str:
    """Return the licence of a record: its own, else its body's, else its system's; "" where the source names none."""
    for one in (obj, body or {}, *things.of((body or obj).get("system"))):
        if one.get("license"):
            return str(one["license"])
    return ""


def _contact(found: Found, reader: Reader) -> str:
    contacts: dict[str, str] = remembered(("contacts",), lambda: {one["name"]: str(one.get("contact", "")) for one in reader.sources()})
    return contacts.get(found.source, "")
