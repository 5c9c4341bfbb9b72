"""Search for people: one box, filters, and the same hits as JSON."""

from typing import Any, NamedTuple

import orjson
from flask import Response, request
from markupsafe import Markup

from publisher.concepts import schemes
from publisher.errors import Unreachable
from publisher.ontology import ontology
from publisher.record import SCHEMA
from publisher.search import Hits
from publisher.views.answers import problem
from publisher.views.pages.frame import Things, at, blueprint, label, language, name_of, reader, shown
from publisher.views.pages.papers import card
from publisher.views.shelf import search_index

TYPES = ("Paper", "Meeting", "AgendaItem", "Organization", "Person", "Location", "File")
A_PAGE = 20
MOST = 10_000  # hits that can be paged through; who needs more wants the data
FILTERS = ("type", "body", "organization", "year", "result")


class Asked(NamedTuple):
    """What is searched: the words and the filters, and which page of the hits."""

    q: str
    filters: dict[str, str]
    page: int


def asked() -> Asked:
    """Return what the address asks for; whatever is no number is page 1."""
    number = request.args.get("page", "1")
    filters = {name: request.args.get(name, "").strip()[:400] for name in FILTERS}
    return Asked(
        request.args.get("q", "").strip(), filters, min(max(1, int(number)), MOST // A_PAGE) if number.isascii() and number.isdigit() else 1
    )


def found(want: Asked, limit: int = A_PAGE) -> Hits:
    """Return the hits of a page. A result is searched as a phrase, since "mehrheitlich abgelehnt" is rejected as well as "abgelehnt"."""
    filters: dict[str, Any] = {name: value for name, value in want.filters.items() if name != "result"}
    result = want.filters["result"].replace('"', "")
    return search_index().search(f'{want.q} "{result}"' if result else want.q, limit=limit, offset=(want.page - 1) * limit, **filters)


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
    return shown(
        "search.html",
        title=want.q,
        want=want,
        total=hits.total,
        hits=[_shown(hit, things, lang) for hit in hits.hits],
        missing=missing,
        outcomes=[(one.labels["de"], one.labels.get(lang, one.labels["de"])) for one in schemes()["result"].values() if "de" in one.labels],
        types=[(name, label(SCHEMA + name, lang)) for name in TYPES],
        bodies=sorted(((one.iri, name_of(orjson.loads(one.json))) for one in things.reader.bodies()), key=lambda pair: pair[1]),
        chosen=name_of(things(want.filters["organization"]) or {}) if want.filters["organization"] else "",
        pages=_pages(want, hits.total),
        feed=at("/feed.atom", q=want.q, body=want.filters["body"], organization=want.filters["organization"], lang="") if want.q else "",
        json=_address(want, format="json"),
    )


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


def _shown(hit: Any, things: Things, lang: str) -> dict[str, Any]:
    obj = things(hit.iri) or {}
    made = {"hit": hit, "record": obj, "class_label": label(_class(hit.type), lang), "snippet": Markup(hit.snippet)}
    if hit.type == "AgendaItem":
        made["meeting"] = things(str(obj.get("meeting", "")))
    return made | (card(obj, things, lang) if hit.type == "Paper" and obj else {})


def _class(name: str) -> str:
    return SCHEMA + name if SCHEMA + name in ontology().uses else name


def _json(want: Asked) -> Response:
    try:
        hits = found(want)
    except Unreachable as error:
        return problem(503, "Suche nicht bereit / search not ready", str(error))
    keys = ("iri", "type", "title", "reference", "score", "snippet")
    rows = [dict(zip(keys, (hit.iri, hit.type, hit.title, hit.reference, hit.score, hit.snippet), strict=True)) for hit in hits.hits]
    body = {"total": hits.total, "page": want.page, "limit": A_PAGE, "data": rows, "links": dict(_pages(want, hits.total))}
    return Response(orjson.dumps(body), mimetype="application/json")
