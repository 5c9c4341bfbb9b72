"""Every record and embedded object at its IRI, in every format, by negotiation and by suffix."""

from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import orjson
from flask import Blueprint, Flask, Response, current_app, redirect, request

from publisher.graph.formats import FORMATS, JSON_LD, profiled
from publisher.journal.reader import Found, Reader
from publisher.ontology import VERSION, ontology
from publisher.views import nodes, pages
from publisher.views.answers import CACHING, CONDITIONAL, negotiated, problem, unchanged, validated
from publisher.views.frames import frame
from publisher.views.shelf import links

blueprint = Blueprint("documents", __name__)

WRITERS = {format.media_type: format.write for format in FORMATS}
BY_SUFFIX = {"jsonld": JSON_LD, "json": "application/json", "html": "text/html", **{format.suffix: format.media_type for format in FORMATS}}
SUFFIX_OF = {media: suffix for suffix, media in BY_SUFFIX.items()} | {"application/json": "jsonld"}
OFFERED = (JSON_LD, *WRITERS, "application/json", "text/html")


@blueprint.get("/eli/dl/<path:rest>")
@blueprint.get("/id/<path:rest>")
def document(rest: str) -> Response:
    """Answer 200 with the record at its own IRI: no redirect, no hash, so that OParl clients see one URL (OParl 1.1, 2-03)."""
    if known := _again():
        return known
    reader, iri = _library(), current_app.config["BASE"].removesuffix(urlsplit(current_app.config["BASE"]).path) + request.path
    found, media = _named(reader, iri)
    if found is None and rest.endswith("/vorlage") and "reference" in request.args:
        return _by_reference(reader, rest.split("/")[0], request.args["reference"])
    if found is None and rest.endswith("/"):  # some clients end every address so
        return redirect(f"{iri.rstrip('/')}?{request.query_string.decode('ascii', 'replace')}".rstrip("?"), 308)  # type: ignore[return-value]
    if found is None:
        return nodes.answered(reader, iri) or _absent(reader, iri)
    media = media or negotiated(request.headers.get("Accept"), OFFERED)
    if media is None:
        return _not_acceptable(iri)
    return answered(found, reader, media)


def answered(found: Found, reader: Reader, media: str) -> Response:
    """Return a found record as `media`, with validators, links to its other formats, and what the answer varied by."""
    page = media in ("text/html", "application/xhtml+xml")
    profile = _profile(request.headers.get("Accept", ""))
    inline = bool(request.query_string) and request.args.get("context") == "inline"
    form = "-".join(filter(None, (SUFFIX_OF.get(media, "html"), VERSION, profile, "inline" if inline else "")))
    lang = pages.language() if page else ""
    tag = f"{found.hash[:20]}-{found.seq}-{form}" + (f"-{pages.stamp(reader, lang)}" if page else "")
    key: Any = None
    if unchanged(tag):
        response = Response(status=304)  # before anything is rendered
    elif page:
        key, text = pages.render(found, reader, lang)
        response = Response(text, 410 if found.deleted else 200, mimetype="text/html")
    elif media in WRITERS:
        response = Response(written(media, found.json), mimetype=media)
    else:
        response = Response(_json_ld(found, reader.base, profile, inline), mimetype=media)
    response.headers["Vary"] = "Accept, Accept-Encoding, Accept-Language" if page else "Accept, Accept-Encoding"
    response.headers["Content-Location"] = f"{found.iri}.{SUFFIX_OF.get(media, 'html')}"
    response.headers["X-Publisher-Release"] = str(reader.release)
    if response.status_code == 304:
        response.headers.update({"ETag": f'"{tag}"', "Cache-Control": CACHING})
        return response
    response.headers["Link"] = link_header(found, reader.release)
    _remember(response, tag, key, reader.release)
    # When we read it, not what the source says: many change a record and leave its date. A page shows other records too.
    return validated(response, tag, "" if page else found.recorded)


class Kept(NamedTuple):
    """How a question was answered: the tag, the headers of a 304 and of the answer, its status, and where its page is remembered."""

    tag: str
    unchanged: dict[str, str]
    headers: dict[str, str]
    status: int
    page: Any


def _question() -> tuple[str, str, str, str]:
    asked = request.environ
    return request.full_path, asked.get("HTTP_ACCEPT", ""), asked.get("HTTP_ACCEPT_LANGUAGE", ""), pages.today().isoformat()


def _remember(response: Response, tag: str, key: Any, number: int) -> None:
    """Note how a question was answered, as long as the release is in service."""
    held: tuple[int, dict[Any, Kept]] = current_app.extensions.get("tags", (0, {}))
    if held[0] != number or len(held[1]) > 20_000:
        held = current_app.extensions["tags"] = (number, {})
    question = _question()
    if sum(map(len, question)) < 600:
        told = {"ETag": f'"{tag}"', "Cache-Control": CACHING}
        said = dict(response.headers)
        kept = {name: said[name] for name in ("Vary", "Content-Location", "X-Publisher-Release")}
        held[1][question] = Kept(tag, kept | told, said | told, response.status_code, key)


def _again() -> Response | None:
    """Return 304, or the remembered page, where this very question was answered in this release before: without a look-up."""
    held = current_app.extensions.get("tags")
    if held is None or held[0] != current_app.config["RELEASE"]().number or (found := held[1].get(_question())) is None:
        return None
    if not CONDITIONAL.isdisjoint(request.environ):
        return Response(status=304, headers=found.unchanged) if unchanged(found.tag) else None
    text = found.page and pages.again(found.page, held[0])
    return Response(text, found.status, headers=found.headers) if text else None


def shown_before(app: Flask, environ: dict[str, Any], release: int) -> tuple[list[tuple[str, str]], bytes] | None:
    """Return (headers, page) as a plain question was answered in this release before, without Flask's context; None if it was not."""
    number, held = app.extensions.get("tags", (0, {}))
    day = app.config.get("TODAY", date.today)().isoformat()
    question = (f"{environ['PATH_INFO']}?", environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_LANGUAGE", ""), day)
    if number != release or (found := held.get(question)) is None or found.status != 200 or not found.page:
        return None
    text = app.extensions["pages"].held(found.page, release)
    return ([*found.headers.items()], text) if text else None


def context_url(base: str) -> str:
    """Return the immutable, versioned URL of the JSON-LD context."""
    return f"{base}/ontology/context/{VERSION}.jsonld"


@lru_cache(4000)
def written(media: str, json: bytes) -> bytes:
    """Return a record's JSON in one of the RDF formats; the last few thousand are remembered, as pages are."""
    body = WRITERS[media](orjson.loads(json))
    return body if isinstance(body, bytes) else body.encode()


def with_context(json: bytes, base: str) -> bytes:
    """Return a record's JSON as the document we serve: `@context` first, then the same bytes."""
    return b'{"@context":"' + context_url(base).encode() + b'",' + json[1:]


def _json_ld(found: Found, base: str, profile: str, inline: bool) -> bytes:
    if profile and profile != "compacted":
        obj = orjson.loads(found.json)
        return orjson.dumps(profiled(obj, profile, frame(obj["type"])))
    if inline:
        return orjson.dumps({"@context": ontology().context, **orjson.loads(found.json)})
    return with_context(found.json, base)


def _profile(accept: str) -> str:
    """Return the JSON-LD form that a `profile` parameter asks for: "expanded", "flattened", "framed", or "" (JSON-LD 1.1, 6.1)."""
    for form in ("expanded", "flattened", "framed", "compacted"):
        if f"ns/json-ld#{form}" in accept:
            return form
    return ""


def _named(reader: Reader, iri: str) -> tuple[Found | None, str | None]:
    """Return what `iri` names, and the media type if it ends in a format's suffix."""
    found = reader.get(iri)
    stem, dot, suffix = iri.rpartition(".")
    if found is None and dot and suffix in BY_SUFFIX:
        return reader.get(stem), BY_SUFFIX[suffix]
    return found, None


def link_header(found: Found, release: int) -> str:
    """Return the Link header of a record: its other formats, its own address, its report, and what is confirmed to be the same."""
    others = [f'<{found.iri}.{suffix}>; rel="alternate"; type="{media}"' for suffix, media in BY_SUFFIX.items() if suffix != "json"]
    report = f'<{current_app.config["BASE"]}/report/record?iri={quote(found.iri, safe="")}>; rel="describedby"'
    same = [f'<{other}>; rel="{predicate}"' for predicate, other in links(release).of.get(found.iri, ())]
    return ", ".join([*others, f'<{found.iri}>; rel="canonical"', report, *same])


def _by_reference(reader: Reader, jurisdiction: str, reference: str) -> Response:
    """Redirect the citation form to the one paper of that number, or list several: numbers are not unique."""
    found = reader.by_reference(jurisdiction, reference)
    if len(found) == 1:
        return redirect(found[0].iri, 302)  # type: ignore[return-value]
    if not found:
        return problem(404, "Nicht gefunden / not found", f"Keine Vorlage mit der Nummer {reference!r} / no paper of this number")
    choices: list[dict[str, Any]] = [{"id": one.iri, "name": orjson.loads(one.json).get("name", "")} for one in found]
    return Response(orjson.dumps({"reference": reference, "data": choices}), 300, mimetype="application/json")


def _absent(reader: Reader, iri: str) -> Response:
    moved = [one for one in reader.lookup(iri) if one != iri]
    if len(moved) == 1:
        return redirect(moved[0], 301)  # type: ignore[return-value]
    return problem(404, "Nicht gefunden / not found", f"{iri}: hier wurde nie etwas veröffentlicht / nothing was ever published here")


def _not_acceptable(iri: str) -> Response:
    listed = ", ".join(f"{media} ({iri}.{SUFFIX_OF[media]})" for media in OFFERED)
    return problem(406, "Kein passendes Format / not acceptable", f"Angeboten / offered: {listed}")


def _library() -> Reader:
    reader: Reader = current_app.config["LIBRARY"].reader()
    return reader
