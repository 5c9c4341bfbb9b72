"""Search for people: one box, filters, and the same hits as JSON."""

from typing import Any, NamedTuple

import orjson
from flask import Response, request
from markupsafe import Markup

from publisher.concepts import schemes
from publisher.errors import Unreachable
from publisher.ontology import ontology
from publisher.record import SCHEMA
from publisher.search import Hit, Hits
from publisher.views.answers import problem
from publisher.views.pages.frame import Things, at, blueprint, label, language, name_of, reader, remembered, shown, today
from publisher.views.pages.papers import card
from publisher.views.shelf import searched
from publisher.views.words import text

TYPES = ("Paper", "Meeting", "AgendaItem", "Organization", "Person", "Location", "File")
A_PAGE = 20
MOST = 10_000  # hits that can be paged through; who needs more wants the data
MOST_COMMITTEES = 500
FILTERS = ("type", "body", "organization", "year", "result")


class Asked(NamedTuple):
    """What is searched: the words and the filters, and which page of the hits."""

    q: str
    filters: dict[str, str]
    page: int


def asked() -> Asked:
    """Return what the address asks for; whatever is no number is page 1."""
    told = request.args.get("page", "1")
    number = int(told) if told.isascii() and told.isdigit() and len(told) < 9 else 1
    filters = {name: request.args.get(name, "").strip()[:400] for name in FILTERS}
    return Asked(request.args.get("q", "").strip(), filters, min(max(1, number), MOST // A_PAGE))


def found(want: Asked, limit: int = A_PAGE) -> Hits:
    """Return the hits of a page."""
    return searched(want.q, want.filters, limit=limit, offset=(want.page - 1) * limit)


@blueprint.get("/search")
def search() -> Response:
    """Answer with the hits as a page, or as JSON where the address or the client asks for it."""
    want = asked()
    wanted = request.args.get("format") or ("json" if request.accept_mimetypes.best == "application/json" else "html")
    if wanted == "json":
        return _json(want)
    lang = language()
    try:
        hits, missing = found(want), False
    except Unreachable:
        hits, missing = Hits(0, []), True
    things = Things(reader())
    with things.reader.still():
        shown_hits = [_shown(hit, things, lang) for hit in hits.hits]
    return shown(
        "search.html",
        title=want.q,
        want=want,
        total=hits.total,
        hits=shown_hits,
        missing=missing,
        **remembered(("choices", lang), lambda: _choices(things, lang), things.reader.release),
        committees=_committees(want, things),
        pages=_pages(want, hits.total),
        feed=at("/feed.atom", q=want.q, **want.filters, lang="") if want.q or any(want.filters.values()) else "",
        json=_address(want, format="json"),
    )


def _choices(things: Things, lang: str) -> dict[str, Any]:
    """Return what can be chosen in the filters."""
    outcomes = [(one.labels["de"], one.labels.get(lang, one.labels["de"])) for one in schemes()["result"].values() if "de" in one.labels]
    bodies = sorted(((one.iri, name_of(orjson.loads(one.json))) for one in things.reader.bodies()), key=lambda pair: pair[1])
    return {"outcomes": outcomes, "types": [(name, _kind(name, lang)) for name in TYPES], "bodies": bodies}


def _committees(want: Asked, things: Things) -> list[tuple[str, str]]:
    """Return what can be chosen as committee: those of the chosen body or of the only one, and the chosen one in any case."""
    bodies = [want.filters["body"]] if want.filters["body"] else [one.iri for one in things.reader.bodies()]
    chosen = want.filters["organization"]

    def read() -> list[tuple[str, str]]:
        found = (orjson.loads(one.json) for one in things.reader.page("Organization", body=bodies[0], limit=MOST_COMMITTEES))
        return sorted(((one["id"], name_of(one)) for one in found), key=lambda pair: pair[1].casefold())

    offered = remembered(("committees", bodies[0]), read, things.reader.release) if len(bodies) == 1 else []
    held = not chosen or any(iri == chosen for iri, _ in offered)
    return offered if held else [(chosen, name_of(things(chosen) or {"id": chosen})), *offered]


def _address(want: Asked, **more: Any) -> str:
    return at("/search", **{"q": want.q, **want.filters, "page": want.page if want.page > 1 else "", **more})


def _pages(want: Asked, total: int) -> list[tuple[str, str]]:
    last = min(total, MOST) // A_PAGE + (min(total, MOST) % A_PAGE > 0)
    found = []
    if want.page > 1:
        found.append(("previous", _address(want, page=want.page - 1)))
    if want.page < last:
        found.append(("next", _address(want, page=want.page + 1)))
    return found


def _shown(hit: Hit, things: Things, lang: str) -> dict[str, Any]:
    """Return what a hit shows: the words found, and what the record says however it was found, which is kept for a release and a day."""
    key = ("hit", hit.iri, lang, today())
    return {"hit": hit, "snippet": Markup(hit.snippet), **remembered(key, lambda: _told(hit, things, lang), things.reader.release)}


def _told(hit: Hit, things: Things, lang: str) -> dict[str, Any]:
    obj = things(hit.iri) or {}
    made: dict[str, Any] = {
        "kind": str(obj.get("paperType") or _kind(hit.type, lang)),
        "day": str(obj.get("date") or obj.get("start") or ""),
    }
    if hit.type == "AgendaItem" and (meeting := things(str(obj.get("meeting", "")))):
        made["meeting"] = {"id": meeting["id"], "name": name_of(meeting), "start": str(meeting.get("start", ""))}
    if hit.type == "Paper" and obj:
        made |= {key: value for key, value in card(obj, things, lang).items() if key != "record"}
    return made


def _kind(name: str, lang: str) -> str:
    """Return what a class is called where one thing of it is meant: as the pages' other lists call it, else as the ontology does."""
    if name in TYPES:
        told = text(f"one_{name}", lang)
        return told[:1].upper() + told[1:]
    return label(SCHEMA + name if SCHEMA + name in ontology().uses else name, lang)


def _json(want: Asked) -> Response:
    try:
        hits = found(want)
    except Unreachable as error:
        return problem(503, "Suche nicht bereit / search not ready", str(error))
    keys = ("iri", "type", "title", "reference", "score", "snippet")
    rows = [dict(zip(keys, (hit.iri, hit.type, hit.title, hit.reference, hit.score, hit.snippet), strict=True)) for hit in hits.hits]
    body = {"total": hits.total, "page": want.page, "limit": A_PAGE, "data": rows, "links": dict(_pages(want, hits.total))}
    return Response(orjson.dumps(body), mimetype="application/json", headers={"Vary": "Accept, Accept-Language"})
