"""What the page of a paper shows beside its text: where it stands, its route, rival proposals, files, places, relatives."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from publisher.concepts import concepts, mark_of
from publisher.views import standing, words
from publisher.views.pages.frame import Things, dead_links, name_of, placing, site, today
from publisher.views.pages.places import outline, places_of

KEYS = frozenset(
    (
        "oparlx:public",
        "name",
        "reference",
        "date",
        "paperType",
        "consultation",
        "mainFile",
        "auxiliaryFile",
        "location",
        "relatedPaper",
        "superordinatedPaper",
    )
    + (
        "subordinatedPaper",
        "originatorOrganization",
        "originatorPerson",
        "underDirectionOf",
        "oparlx:section",
        "oparlx:proposal",
        "keyword",
    )
)
RELATIONS = (("superordinatedPaper", "superordinated"), ("subordinatedPaper", "subordinated"), ("relatedPaper", "related"))


class Attachment(NamedTuple):
    """A file as a reader needs it: name, kind, size in bytes (0 if unknown), where to get it ("" if the source gives no address)."""

    iri: str
    name: str
    kind: str
    size: int
    url: str
    main: bool
    dead: bool


def paper(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what paper.html needs beside the record."""
    stations = standing.route(obj, things, today())
    located = places_of(obj.get("location"), things)
    return {
        "sentence": standing.sentence(stations, today(), lang),
        "tone": tone(stations),
        "route": stations,
        **rivals(obj, stations, things),
        "sections": sections(obj, things),
        "files": attachments(obj, things, ("mainFile", "auxiliaryFile")),
        "places": located,
        "outline": outline(located, lang),
        "tiles": site().tiles,
        "relatives": relatives(obj, things),
        "originators": [*things.of(obj.get("originatorOrganization")), *things.of(obj.get("originatorPerson"))],
        "leading": things.of(obj.get("underDirectionOf")),
        "citation": citation(obj, things, lang),
        "citation_link": citation_link(obj),
    }


def tone(stations: Iterable[standing.Station]) -> str:
    """Return the colour word of a paper's standing: adopted | rejected | ahead | open."""
    every = list(stations)
    decided = next((one.outcome for one in reversed(every) if one.decisive and one.outcome in standing.FINAL), "")
    if decided in ("abgelehnt", "zurueckgezogen"):
        return "rejected"
    return "adopted" if decided else "ahead" if any(one.state == "planned" for one in every) else "open"


def sections(obj: dict[str, Any], things: Things) -> list[dict[str, Any]]:
    """Return the sections in their order, each with its place and whether the proposals shown above already say what it says."""
    told = bool(obj.get("oparlx:proposal"))
    found = sorted(things.of(obj.get("oparlx:section")), key=lambda one: one.get("order", 0))
    slug = concepts("").slug
    return [
        one | {"at": at, "told": told and slug("section-type", str(one.get("name", ""))) == "beschlussvorschlag"}
        for at, one in enumerate(found, 1)
    ]


def rivals(obj: dict[str, Any], stations: Iterable[standing.Station], things: Things) -> dict[str, Any]:
    """Return the proposals with their proposers, the one that was taken marked as such, and the station whose result says so.

    decided: whether the matter was decided at all; where it was and no result names a proposal, the page says that it is not known.
    """
    every = things.of(obj.get("oparlx:proposal"))
    marks = [mark_of(str(one.get("oparlx:number", ""))) for one in every]
    decisive = [one for one in stations if one.decisive and one.result and one.state == "past"]
    said = ((one, concepts("").selected(one.result)) for one in reversed(decisive)) if len(every) > 1 else ()
    station, mark = next(((one, mark) for one, mark in said if mark and marks.count(mark) == 1), (None, ""))
    return {
        "proposals": [
            one | {"proposers": things.of(one.get("oparlx:proposer")), "taken": bool(mark) and own == mark}
            for one, own in zip(every, marks, strict=True)
        ],
        "taken_at": station,
        "decided": any(one.outcome == "beschlossen" for one in decisive),
    }


def attachments(obj: dict[str, Any], things: Things, keys: Iterable[str]) -> list[Attachment]:
    """Return the files under the given keys, the main one first; a dead link that the harvest saw is named as such."""
    found: dict[str, Attachment] = {}
    lost, place_of = dead_links(things.reader.release), placing()
    for key in keys:
        for file in things.of(obj.get(key)):
            url = next((place_of(str(file[name])) for name in ("downloadUrl", "accessUrl") if file.get(name)), "")
            kind = str(file.get("mimeType") or (file.get("fileName") or "").rpartition(".")[2])
            dead = url in lost or any("dead" in str(one) or "tot" in str(one) for one in standing.listed(file.get("oparlx:damage")))
            made = Attachment(file["id"], name_of(file), _kind(kind), _size(file.get("size")), url, key == "mainFile", dead)
            found.setdefault(file["id"], made)
    return list(found.values())


@lru_cache(1000)
def _kind(mime: str) -> str:
    return re.sub(r"^.*/(?:vnd\.|x-)?", "", mime).upper()[:12]


def _size(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def relatives(obj: dict[str, Any], things: Things) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return related papers by relation, those that only the other side states included, each once."""
    back = {"superordinated": "subordinatedPaper", "subordinated": "superordinatedPaper", "related": "relatedPaper"}
    others = [one for ref in things.reader.referring(obj["id"], type="Paper", limit=100) if (one := things(ref.iri))]
    held: dict[str, str] = {obj["id"]: ""}
    found = []
    for key, name in RELATIONS:
        implied = [one for one in others if obj["id"] in standing.listed(one.get(back[name]))]
        kept = [one for one in [*things.of(obj.get(key)), *implied] if held.setdefault(one["id"], name) == name]
        if kept:
            found.append((name, list({one["id"]: one for one in kept}.values())))
    return found


def citation(obj: dict[str, Any], things: Things, lang: str) -> str:
    """Return how to cite a paper: body, title, type and number, day, permanent link."""
    body = things(str(obj.get("body", "")))
    kind = " ".join(str(obj[key]) for key in ("paperType", "reference") if obj.get(key))
    day = words.long_day(str(obj["date"]), lang) if obj.get("date") else ""
    return ", ".join(
        part for part in (name_of(body) if body else "", f"„{name_of(obj)}“" if lang == "de" else f"“{name_of(obj)}”", kind, day) if part
    )


def citation_link(obj: dict[str, Any]) -> str:
    """Return the link by number that people can write by hand, "" for a paper without a number."""
    hit = re.match(r"(.*/eli/dl/[^/]+/vorlage)/", obj["id"])
    return f"{hit[1]}?reference={quote(str(obj['reference']), safe='/')}" if hit and obj.get("reference") else ""


def card(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what a list shows of a paper: the record, its sentence and the colour of its standing."""
    stations = standing.route(obj, things, today())
    return {"record": obj, "sentence": standing.sentence(stations, today(), lang), "tone": tone(stations)}
