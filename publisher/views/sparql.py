"""The SPARQL endpoint: the SPARQL 1.1 Protocol for queries, every answer whole or an error that names the limit it met."""

import gzip
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import parse_qsl

import orjson
from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask.blueprints import BlueprintSetupState

from publisher.errors import LimitMet, Misconfigured, QueryRefused, Unreachable
from publisher.release import Release
from publisher.store.description import converted, service
from publisher.store.gate import Query, checked
from publisher.store.textsearch import rewritten
from publisher.store.workers import Answer, Held, Job, Limits, Pool, Purse
from publisher.views.answers import HTML, negotiated
from publisher.views.shelf import search_index

blueprint = Blueprint("sparql", __name__)

# Short name for `format=`, engine's media type, and the media types it may be asked for by; the first row answers */*.
SOLUTIONS = (
    ("json", "application/sparql-results+json", ("application/json",)),
    ("xml", "application/sparql-results+xml", ("application/xml", "text/xml")),
    ("csv", "text/csv", ()),
    ("tsv", "text/tab-separated-values", ()),
)
GRAPH = (
    ("ttl", "text/turtle", ("application/x-turtle",)),
    ("jsonld", "application/ld+json", ("application/json",)),
    ("nt", "application/n-triples", ("text/plain",)),
    ("rdf", "application/rdf+xml", ("application/xml", "text/xml")),
    ("nq", "application/n-quads", ()),
    ("trig", "application/trig", ()),
)
FORMATS = {"solutions": SOLUTIONS, "graph": GRAPH}
CHUNK = 1 << 16
METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"]
ALLOW = "GET, HEAD, POST, OPTIONS"
TITLES = {
    400: "Keine gültige Anfrage / Not a valid request",
    403: "Hier nicht erlaubt / Not allowed here",
    404: "Nicht vorhanden / Not here",
    405: "Diese Methode gibt es hier nicht / Method not allowed",
    406: "Dieses Format gibt es hier nicht / Format not available",
    413: "Die Abfrage ist zu lang / The query is too long",
    415: "Dieser Inhaltstyp wird nicht gelesen / Content type not supported",
    422: "Die Antwort überschreitet eine Grenze / The answer exceeds a limit",
    429: "Zu viele Abfragen / Too many queries",
    503: "Gerade nicht möglich / Not possible right now",
}


class Asked(NamedTuple):
    """What a protocol request asks: parameters in order, with the text of a direct POST as its `query`."""

    params: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter, in order."""
        return [value for key, value in self.params if key == name]


class Refusal(Exception):
    """A request that is answered by a problem: its status, its sentence, and further members of the problem."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    limits = state.app.config.setdefault("SPARQL_LIMITS", Limits())
    state.app.extensions["sparql"] = (Pool(limits), Purse(limits.client_seconds, limits.client_share))


@blueprint.route("/sparql", methods=METHODS, provide_automatic_options=False)
def sparql() -> Response:
    """Answer a query (SPARQL 1.1 Protocol, 2.1), or describe the service when none is asked."""
    try:
        if request.method == "OPTIONS":
            return Response(
                status=204, headers={"Allow": ALLOW, "Accept-Post": "application/sparql-query, application/x-www-form-urlencoded"}
            )
        if request.method not in ("GET", "HEAD", "POST"):
            raise Refusal(405, f"Erlaubt sind {ALLOW}; dieser Endpunkt liest nur. / Allowed are {ALLOW}; this endpoint only reads.")
        asked = _asked()
        if request.method != "POST" and not asked.params:
            return _introduction()
        return _answered(asked)
    except Refusal as refusal:
        return _problem(refusal)


@blueprint.after_request
def _shared(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Publisher-Release, X-Query-Time"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = ALLOW
        response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, If-None-Match"
    return response


def _asked() -> Asked:
    """Return the request's parameters. Raises Refusal 400, 403, 413, 415."""
    limits: Limits = current_app.config["SPARQL_LIMITS"]
    params = _form(request.query_string)
    if request.method == "POST":
        # A form may escape each byte by three.
        if (request.content_length or 0) > 3 * limits.query_bytes + 10_000:
            raise Refusal(413, _too_long(limits), limit="length")
        params += _posted()
    if any(name == "update" for name, _ in params):
        checked_update = "Dieser Endpunkt liest nur: `update` wird nie ausgeführt. / This endpoint only reads: `update` is never run."
        raise Refusal(403, checked_update)
    queries = [value for name, value in params if name == "query"]
    if len(queries) > 1:
        raise Refusal(400, "Genau eine Abfrage bitte: `query` kommt mehrmals vor. / One query please: `query` occurs more than once.")
    if queries and len(queries[0].encode()) > limits.query_bytes:
        raise Refusal(413, _too_long(limits), limit="length")
    return Asked(params)


def _too_long(limits: Limits) -> str:
    return f"Erlaubt sind {limits.query_bytes} Bytes Abfragetext. / A query may have {limits.query_bytes} bytes."


def _form(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        sentence = "Die Parameter müssen prozentkodiertes UTF-8 sein. / Parameters must be percent-encoded UTF-8."
        raise Refusal(400, f"{sentence} ({error})") from error


def _posted() -> list[tuple[str, str]]:
    """Return the parameters in a POST's body: a form (2.1.2) or a query as such (2.1.3)."""
    media_type = request.mimetype
    if media_type == "application/x-www-form-urlencoded":
        return _form(request.get_data().replace(b" ", b"+"))
    if media_type == "application/sparql-update":
        raise Refusal(403, "Dieser Endpunkt liest nur: ein Update wird nie ausgeführt. / This endpoint only reads: updates are never run.")
    if media_type != "application/sparql-query":
        raise Refusal(
            415,
            "Gelesen werden application/sparql-query und application/x-www-form-urlencoded. / "
            "Send application/sparql-query or application/x-www-form-urlencoded.",
        )
    try:
        return [("query", request.get_data().decode("utf-8"))]
    except UnicodeDecodeError as error:
        raise Refusal(400, f"Die Abfrage ist kein UTF-8. / The query is not UTF-8. ({error})") from error


def _answered(asked: Asked) -> Response:
    """Return the answer to the one query of a request, from the client's cache where that still holds."""
    query = _query(asked)
    media_type, engine_type = _negotiated(FORMATS[query.kind], asked.all("format"))
    release = current_app.config["RELEASE"]()
    defaults, named = asked.all("default-graph-uri"), asked.all("named-graph-uri")
    tag = _tag(query.text, "\0".join(defaults), "\0".join(named), str(release.number), media_type)
    if query.stable and request.if_none_match.contains_weak(tag):
        return _headed(Response(status=304), release.number, tag)
    base = f"{current_app.config['BASE']}/sparql"
    answer = _worked(release.path / "store", Job(_searched(query), engine_type, base, defaults, named))
    response = _body(answer.body, answer.size, media_type)
    response.headers["X-Query-Time"] = f"{answer.milliseconds:g}"
    return _headed(response, release.number, tag if query.stable else "")


def _query(asked: Asked) -> Query:
    texts = asked.all("query")
    try:
        return checked(texts[0] if texts else "")
    except QueryRefused as refused:
        raise Refusal(refused.status, str(refused)) from refused


def _searched(query: Query) -> Query:
    """Return the query with its text searches replaced by what the release's index finds."""
    try:
        return rewritten(query, _found)
    except QueryRefused as refused:
        raise Refusal(refused.status, str(refused)) from refused
    except LimitMet as limit:
        raise Refusal(limit.status, str(limit), limit=limit.limit) from limit


def _found(words: str, limit: int) -> tuple[list[tuple[str, float]], int]:
    hits: list[tuple[str, float]] = []
    while True:
        found = search_index().search(words, limit=min(limit - len(hits), 1000), offset=len(hits))
        hits += [(hit.iri, hit.score) for hit in found.hits]
        if not found.hits or len(hits) >= min(limit, found.total):
            return hits, found.total


def _worked(path: Path, job: Job) -> Answer:
    """Let a worker answer, at the expense of the client's purse."""
    pool: Pool
    purse: Purse
    pool, purse = current_app.extensions["sparql"]
    client, begin = request.remote_addr or "", time.monotonic()
    if wait := purse.debt(client, begin):
        raise Refusal(
            429,
            f"Ihre Abfragen haben die Rechenzeit dieser Minute verbraucht; weiter in {wait:.0f} s. / "
            f"Your queries have used this minute's computing time; continue in {wait:.0f} s.",
            limit="client",
            retry=int(wait) + 1,
        )
    try:
        return pool.ask(path, job)
    except LimitMet as limit:
        raise Refusal(limit.status, str(limit), limit=limit.limit, **({"retry": 5} if limit.limit == "workers" else {})) from limit
    except QueryRefused as refused:
        raise Refusal(refused.status, str(refused)) from refused
    except (Misconfigured, Unreachable) as error:
        raise Refusal(503, "Der Datenbestand ist nicht lesbar. / The dataset cannot be read.", retry=30) from error
    finally:
        purse.spend(client, time.monotonic() - begin, time.monotonic())


def _negotiated(formats: tuple[tuple[str, str, tuple[str, ...]], ...], wished: list[str]) -> tuple[str, str]:
    """Return (media type to announce, media type for the engine) by `format=` or Accept. Raises Refusal 406."""
    for name, media_type, aliases in formats:
        if wished and wished[-1] in (name, media_type, *aliases):
            return media_type, media_type
    # Clients send `format=` with names of their own (SPARQLWrapper: "turtle"); then their Accept header speaks.
    offers = {media_type: media_type for _, media_type, _ in formats}
    offers |= {alias: media_type for _, media_type, aliases in formats for alias in aliases}
    if best := negotiated(request.headers.get("Accept"), list(offers)):
        return best, offers[best]
    names = ", ".join(media_type for _, media_type, _ in formats)
    raise Refusal(406, f"Verfügbar sind: {names}. / Available are: {names}.", available=[media_type for _, media_type, _ in formats])


def _tag(*parts: str) -> str:
    return sha256("\1".join(parts).encode()).hexdigest()[:32]


def _headed(response: Response, release: int, tag: str) -> Response:
    response.headers["X-Publisher-Release"] = str(release)
    response.headers["Vary"] = "Accept, Accept-Encoding"
    if tag:
        # Weak: the tag stands for the answer whether it travels compressed or not.
        response.set_etag(tag, weak=True)
        response.headers["Cache-Control"] = "public, max-age=60"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _body(body: BinaryIO | Held, size: int, media_type: str) -> Response:
    """Return a whole answer as a response: in one piece when small, else streamed from its file in constant memory."""
    text = media_type.startswith("text/") or media_type in ("application/n-triples", "application/n-quads")
    content_type = f"{media_type}; charset=utf-8" if text else media_type
    zipped = size > 1400 and request.accept_encodings.quality("gzip") > 0
    if size <= current_app.config["SPARQL_LIMITS"].whole:
        with body:
            data = body.read()
        response = Response(gzip.compress(data, 1, mtime=0) if zipped else data, content_type=content_type)
    else:
        response = Response(_zipped(body) if zipped else _chunks(body), content_type=content_type)
        response.call_on_close(body.close)
        if not zipped:
            response.content_length = size
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _chunks(body: BinaryIO | Held) -> Iterator[bytes]:
    while chunk := body.read(CHUNK):
        yield chunk


def _zipped(body: BinaryIO | Held) -> Iterator[bytes]:
    press = zlib.compressobj(1, zlib.DEFLATED, 31)
    for chunk in _chunks(body):
        if data := press.compress(chunk):
            yield data
    yield press.flush()


def _introduction() -> Response:
    """Return what stands at the endpoint itself: the query form for browsers, the service description for programs."""
    limits: Limits = current_app.config["SPARQL_LIMITS"]
    kinds = [media_type for _, media_type, _ in GRAPH]
    pages = HTML if "pages" in current_app.blueprints else ()
    best = negotiated(request.headers.get("Accept"), [*pages, *kinds])
    number = current_app.config["RELEASE"]().number
    if best in HTML:
        page = render_template("sparql.html", limits=limits, endpoint=f"{current_app.config['BASE']}/sparql")
        response = _headed(Response(page, content_type="text/html; charset=utf-8"), number, "")
        response.headers["Vary"] = "Accept, Accept-Encoding, Accept-Language"
        return response
    return _document(service(current_app.config["BASE"], limits).encode(), number)


@blueprint.get("/.well-known/void")
def void() -> Response:
    """Return the release's VoID description, counted when it was built."""
    release = current_app.config["RELEASE"]()
    try:
        if not (release.path / "void.ttl").is_file():
            raise Refusal(404, "Zu diesem Stand gibt es keine VoID-Beschreibung. / This release has no VoID description.")
        return _document((release.path / "void.ttl").read_bytes(), release.number)
    except Refusal as refusal:
        return _problem(refusal)


@blueprint.get("/health")
def health() -> Response:
    """Return the release this process serves; 503 if `?release=` asks for a later one, so that a balancer drains stale replicas."""
    number, wanted = current_app.config["RELEASE"]().number, request.args.get("release", "0")
    fresh = wanted.isdigit() and number >= int(wanted)
    found = {"status": "ok" if fresh else "stale", "release": number}
    response = Response(orjson.dumps(found), 200 if fresh else 503, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Publisher-Release"] = str(number)
    return response


def _document(turtle: bytes, release: int) -> Response:
    media_type, engine_type = _negotiated(GRAPH, request.args.getlist("format"))
    tag = _tag(turtle.decode(), media_type)
    if request.if_none_match.contains_weak(tag):
        return _headed(Response(status=304), release, tag)
    data = converted(turtle, engine_type)
    return _headed(_body(BytesIO(data), len(data), media_type), release, tag)


def _problem(refusal: Refusal) -> Response:
    """Return a refusal as problem details (RFC 9457) with the limit it names, if any."""
    members: Mapping[str, Any] = {name: value for name, value in refusal.members.items() if name != "retry"}
    problem = {"type": "about:blank", "title": TITLES[refusal.status], "status": refusal.status, "detail": refusal.detail, **members}
    response = Response(orjson.dumps(problem), refusal.status, content_type="application/problem+json")
    response.headers["Vary"] = "Accept, Accept-Encoding"
    response.headers["Cache-Control"] = "no-store"
    if refusal.status == 405:
        response.headers["Allow"] = ALLOW
    if "retry" in refusal.members:
        response.headers["Retry-After"] = str(refusal.members["retry"])
    return response


def dataset_app(path: Path, base: str, limits: Limits | None = None) -> Flask:
    """Return an app that serves nothing but the endpoint, on the store in `{path}/store`: for conformance tests and benchmarks.

    The release's number is the folder's name, 1 if that is none.
    """
    app = Flask("publisher.views")
    number = int(path.name) if path.name.isdigit() else 1
    app.config.update(BASE=base.rstrip("/"), RELEASE=lambda: Release(number, path), SPARQL_LIMITS=limits or Limits())
    app.register_blueprint(blueprint)
    return app


def served_dataset() -> Flask:
    """Return the app on PUBLISHER_DATASET under PUBLISHER_BASE, no client rationed: what a WSGI server's worker processes call."""
    base = os.environ.get("PUBLISHER_BASE", "http://127.0.0.1:8000")
    return dataset_app(Path(os.environ["PUBLISHER_DATASET"]), base, Limits(client_seconds=0))
