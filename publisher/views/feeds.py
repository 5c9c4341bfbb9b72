"""Dumps, tables, the event stream, Atom, calendars, sitemaps: what is fetched as a whole, mostly as files of the release."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request

from publisher.feeds import atom, calendar, sitemap
from publisher.feeds.stream import INDEX, page_file
from publisher.journal.reader import Found, Reader
from publisher.views.answers import negotiated, problem, validated
from publisher.views.shelf import release, searched, sent

blueprint = Blueprint("feeds", __name__)

DAY, YEAR = 86_400, 31_536_000
STREAM = {"jsonld": "application/ld+json", "nq": "application/n-quads"}
ENDINGS = (
    (".csv-metadata.json", "application/csvm+json"),
    (".csv", "text/csv; charset=utf-8; header=present"),
    (".gz", "application/gzip"),
    (".json", "application/json"),
    ("SHA256SUMS", "text/plain; charset=utf-8"),
)
ENTRIES = 50
MOST_HITS = 1000  # of a search, out of which the newest are told; the best fifty would leave new ones out
FILTERS = ("type", "body", "organization", "year", "result")


def _reader() -> Reader:
    reader: Reader = current_app.config["LIBRARY"].reader()
    return reader


@blueprint.get("/dumps")
@blueprint.get("/dumps/<name>")
@blueprint.get("/dumps/<key>/<name>")
def dump(key: str = "", name: str = "manifest.json") -> Response:
    """Answer with a file of the release's dumps: ranges, checksum as tag."""
    media = next((media for ending, media in ENDINGS if name.endswith(ending)), None)
    if media is None or not all(re.fullmatch(r"[A-Za-z0-9~_\-][A-Za-z0-9~_.\-]*", part) for part in (key or "x", name)):
        return problem(404, "Nicht gefunden / not found", "Alle Dateien / all files: /dumps/manifest.json")
    response = sent(release().path.joinpath("dumps", key, name), media)
    if name.endswith(".csv") and response.status_code < 300:
        response.headers["Link"] = f'<{name}-metadata.json>; rel="describedby"; type="application/csvm+json"'
    return response


@blueprint.get("/linkset/<name>")
def linkset(name: str) -> Response:
    """Answer with the confirmed links to one other publisher or list, as N-Quads in the graph of this address."""
    stem = name.removesuffix(".nq")
    if not re.fullmatch(r"[A-Za-z0-9_\-]{1,100}", stem):
        return problem(404, "Nicht gefunden / not found", f"{name}: kein Linkset / no linkset")
    return sent(release().path / "linksets" / f"{stem}.nq", "application/n-quads")


@blueprint.get("/stream")
@blueprint.get("/stream.<any(jsonld, nq):suffix>")
def stream(suffix: str = "") -> Response:
    """Answer with the entry of the event stream: one relation pair a page."""
    return _page("root", suffix, immutable=False)


@blueprint.get("/stream/<int:generation>/<int:number>")
@blueprint.get("/stream/<int:generation>/<int:number>.<any(jsonld, nq):suffix>")
@blueprint.get("/stream/<int:generation>/<int:upto>/<int:number>")
@blueprint.get("/stream/<int:generation>/<int:upto>/<int:number>.<any(jsonld, nq):suffix>")
def stream_page(generation: int, number: int, suffix: str = "", upto: int = 0) -> Response:
    """Answer with a page of the stream: a full one for ever, the open one for a minute, one that was taken away with 410."""
    folder = release().path / "stream"
    if not folder.joinpath(INDEX).is_file():
        return problem(404, "Kein Strom / no stream", "Diese Version hat keinen Änderungsstrom / this release has no event stream")
    index = orjson.loads(folder.joinpath(INDEX).read_bytes())
    pages = {(page["upto"], page["number"]): page for page in index["pages"]}
    if page := pages.get((upto, number)) if generation == index["generation"] else None:
        place = page_file(Path(), generation, number, upto, full=page["full"])
        return _page(str(place), suffix, immutable=page["full"])
    first = min((number for whole, number in pages if not whole), default=1)
    shortened = max((whole for whole, _ in pages), default=0)
    if generation < index["generation"] or (
        generation == index["generation"] and (0 < upto < shortened or not upto and 0 < number < first)
    ):
        return problem(
            410,
            "Entfernt / gone",
            "Diese Seite wird nicht mehr vorgehalten; /stream nennt die Seiten, die es gibt, darin die neueste Fassung jedes Objekts / "
            "this page is no longer kept; /stream names those that are, with the newest version of every record",
        )
    return problem(404, "Nicht gefunden / not found", "Der Einstieg ist /stream / start at /stream")


def _page(stem: str, suffix: str, *, immutable: bool) -> Response:
    media = STREAM.get(suffix) or negotiated(request.headers.get("Accept"), (*STREAM.values(), "application/json"))
    if media is None and "text/html" not in request.headers.get("Accept", ""):
        return problem(406, "Kein passendes Format / not acceptable", "Angeboten / offered: application/ld+json, application/n-quads")
    ending = suffix or next((end for end, name in STREAM.items() if name == media), "jsonld")
    path = release().path / "stream" / f"{stem}.{ending}"
    response = sent(path, STREAM[ending], YEAR if immutable else 60, immutable=immutable)
    response.headers["Vary"] = "Accept, Accept-Encoding"
    return response


@blueprint.get("/feed.atom")
def feed() -> Response:
    """Answer with what is new: all, of a body, a committee (organization) or a place (location), or what a search finds."""
    reader, arguments = _reader(), request.args
    wrong = _unknown(("location", "q", *FILTERS, "lang"))
    if wrong:
        return wrong
    found, about = _news(reader)
    if found is None:
        return problem(404, "Nicht gefunden / not found", f"{about}: hier nicht veröffentlicht / not published here")
    query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
    title = "Neues aus dem Rat" + (f": {about}" if about else "")
    entries = [_entry(one) for one in sorted(found, key=lambda one: (one.modified or one.recorded, one.iri), reverse=True)[:ENTRIES]]
    page = arguments.get("organization") or arguments.get("body") or arguments.get("location") or f"{reader.base}/"
    body = atom.feed(f"{reader.base}/feed.atom{query}", title, entries, page=page)
    return validated(Response(body, mimetype="application/atom+xml"), f"atom-{reader.release}")


def _news(reader: Reader) -> tuple[Iterable[Found] | None, str]:
    """Return the records of a feed and what it is about; None and the address that is not known here."""
    filters = {name: request.args.get(name, "") for name in FILTERS}
    text = request.args.get("q", "")
    if text or any(filters[name] for name in ("type", "year", "result")):
        hits = searched(text, filters, limit=MOST_HITS).hits
        told = (text, *(value for name, value in filters.items() if name not in ("body", "organization")))
        return reader.many(hit.iri for hit in hits).values(), ", ".join(one for one in told if one)
    for key in ("organization", "location", "body"):
        iri = request.args.get(key, "")
        if not iri:
            continue
        about = reader.get(iri)
        if about is None or about.deleted:
            return None, iri
        if key == "body":
            return [*reader.latest("Paper", ENTRIES, iri), *reader.latest("Meeting", ENTRIES, iri)], _name(about)
        return _about(reader, iri), _name(about)
    return [*reader.latest("Paper", ENTRIES), *reader.latest("Meeting", ENTRIES)], ""


def _about(reader: Reader, iri: str) -> list[Found]:
    """Papers and meetings that refer to a committee or place, themselves or by a part of them, newest first."""
    owners = dict.fromkeys(one.owner for one in reader.referring(iri, limit=500))
    return [one for one in reader.many(owners).values() if one.type in ("Paper", "Meeting") and not one.deleted]


def _name(found: Found) -> str:
    obj = orjson.loads(found.json)
    return str(obj.get("name") or obj.get("description") or obj.get("shortName") or found.iri.rsplit("/", 1)[-1])


def _entry(found: Found) -> atom.Entry:
    obj = orjson.loads(found.json)
    summary = ", ".join(str(obj[key]) for key in ("paperType", "reference", "date", "start", "oparlx:day") if obj.get(key))
    return atom.Entry(found.iri, _name(found), found.modified or found.recorded, found.created, summary, found.type)


@blueprint.get("/calendar.ics")
def ics() -> Response:
    """Answer with the meetings as iCalendar: all, of a body, or of a committee (organization)."""
    reader = _reader()
    wrong = _unknown(("body", "organization", "lang"))
    if wrong:
        return wrong
    iri, body = request.args.get("organization", ""), request.args.get("body", "")
    about = reader.get(iri or body) if iri or body else None
    if (iri or body) and (about is None or about.deleted):
        return problem(404, "Nicht gefunden / not found", f"{iri or body}: hier nicht veröffentlicht / not published here")
    meetings = reader.referring(iri, type="Meeting", key="organization", limit=2000) if iri else reader.latest("Meeting", 2000, body)
    title = f"Sitzungen: {_name(about)}" if about else "Sitzungen"
    text = calendar.calendar(title, (_with_place(reader, orjson.loads(one.json)) for one in meetings), home=f"{reader.base}/")
    response = Response(text, mimetype="text/calendar")
    response.headers["Content-Disposition"] = 'inline; filename="sitzungen.ics"'
    return validated(response, f"ics-{reader.release}", max_age=3600)


def _with_place(reader: Reader, meeting: dict[str, Any]) -> dict[str, Any]:
    place = meeting.get("location")
    found = reader.get(place) if isinstance(place, str) else None
    return meeting | {"location": orjson.loads(found.json)} if found else meeting


def _unknown(known: tuple[str, ...]) -> Response | None:
    odd = [name for name in request.args if name not in known]
    if not odd:
        return None
    return problem(400, "Unbekannter Filter / unknown filter", f"{', '.join(odd)}; bekannt / known: {', '.join(known)}")


@blueprint.get("/sitemap.xml")
@blueprint.get("/sitemap-<int:number>.xml")
def sitemaps(number: int = 0) -> Response:
    """Answer with the sitemap index, or one sitemap."""
    return sent(release().path / "sitemap" / (f"sitemap-{number}.xml" if number else "sitemap.xml"), "application/xml", 3600)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Answer with robots.txt."""
    return Response(sitemap.robots(_reader().base), mimetype="text/plain")
