"""The DCAT-AP.de catalogue at /catalog, for harvesters: the files of the release, never an empty answer."""

import orjson
from flask import Blueprint, Response, request

from publisher.catalog.tables import SERVICES
from publisher.views.answers import HTML, negotiated, problem
from publisher.views.pages.frame import shown
from publisher.views.shelf import release, sent

blueprint = Blueprint("catalog", __name__)

MEDIA = {"jsonld": "application/ld+json", "ttl": "text/turtle", "rdf": "application/rdf+xml", "nt": "application/n-triples"}
SUFFIX = {media: suffix for suffix, media in MEDIA.items()}
OFFERED = (*MEDIA.values(), "application/json")  # who asks for JSON gets JSON-LD and is told so


@blueprint.get("/catalog")
@blueprint.get("/catalog.<any(jsonld, ttl, rdf, nt):suffix>")
def catalog(suffix: str = "") -> Response:
    """Answer with a page of the catalogue; */*, which CKAN sends, means JSON-LD."""
    page = request.args.get("page", "1")
    if not page.isdecimal() or not page.isascii() or len(page) > 6 or int(page) < 1:
        return problem(400, "Ungültige Seite / invalid page", f"page={page!r}: erwartet wird eine Zahl ab 1 / expected a number from 1")
    if not suffix and negotiated(request.headers.get("Accept"), (*OFFERED, *HTML)) in HTML:
        return _for_people()
    return _answer(f"page-{int(page)}", suffix, "/catalog")


def _for_people() -> Response:
    """The catalogue as a page: what can be downloaded, how large it is, under which licence; also where no valid DCAT can be made."""
    folder = release().path
    manifest = folder / "dumps" / "manifest.json"
    bodies = orjson.loads(manifest.read_bytes())["bodies"] if manifest.is_file() else []
    services = [(german, english, path) for german, english, path, _ in SERVICES.values()]
    return shown("catalog.html", bodies=bodies, services=services, valid=folder.joinpath("catalog", "page-1.jsonld").is_file())


@blueprint.get("/catalog/dataset/<key>")
def dataset(key: str) -> Response:
    """Answer with one dataset at its own IRI, or with a suffix."""
    stem, dot, suffix = key.rpartition(".")
    known = suffix if dot and suffix in MEDIA else ""
    return _answer(f"dataset-{stem if known else key}", known, f"/catalog/dataset/{stem if known else key}")


@blueprint.get("/catalog/<any(publisher, contact):name>")
@blueprint.get("/catalog/service/<any(sparql, oparl, stream, reconcile):name>")
@blueprint.get("/catalog/dataset/<path:name>")
def node(name: str) -> Response:
    """Answer with the page in which a smaller node of the catalogue is described."""
    key = name.partition("/")[0]
    return _answer(f"dataset-{key}" if "/dataset/" in request.path else "page-1", "", "")


def _answer(stem: str, suffix: str, place: str) -> Response:
    folder = release().path / "catalog"
    if not folder.joinpath("page-1.jsonld").is_file():
        # A harvester deletes what a valid but empty catalogue no longer lists; a 503 makes it come back later.
        answer = problem(
            503, "Kein Katalog / no catalogue", "Diese Version hat keinen Katalog / this release has no catalogue; see its report"
        )
        answer.headers["Retry-After"] = "3600"
        return answer
    media = MEDIA.get(suffix) or negotiated(request.headers.get("Accept"), OFFERED)
    media = MEDIA["jsonld"] if media == "application/json" else media
    if media is None and "text/html" in request.headers.get("Accept", ""):
        media = "text/turtle"
    if media is None:
        offered = ", ".join(f"{name} (.{end})" for end, name in MEDIA.items())
        return problem(406, "Kein passendes Format / not acceptable", f"Angeboten / offered: {offered}")
    if "/" in stem or not folder.joinpath(f"{stem}.{SUFFIX[media]}").is_file():
        return problem(
            404, "Nicht gefunden / not found", f"{request.full_path}: hinter der letzten Seite oder unbekannt / beyond the last page"
        )
    response = sent(folder / f"{stem}.{SUFFIX[media]}", media)
    response.headers["Vary"] = "Accept, Accept-Encoding"
    if place and stem.startswith("dataset"):
        response.headers["Link"] = ", ".join(f'<{place}.{end}>; rel="alternate"; type="{name}"' for end, name in MEDIA.items())
    return response
