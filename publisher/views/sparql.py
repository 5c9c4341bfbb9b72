"""The SPARQL endpoint: the SPARQL 1.1 Protocol for queries, every answer whole or an error that names the limit it met."""

import gc
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask.blueprints import BlueprintSetupState

from publisher.errors import Busy, LimitMet, QueryRefused
from publisher.release import Release
from publisher.store.aside import Aside
from publisher.store.description import converted, service
from publisher.store.gate import Query
from publisher.store.limits import Limits, Purse
from publisher.store.textsearch import answered
from publisher.store.worker import SHORT_TURN, take_turns, watch
from publisher.store.workers import Job, Pool
from publisher.views.answers import HTML, negotiated, unchanged
from publisher.views.bodies import Bodies
from publisher.views.desk import (
    PAGE_TYPE,
    REFUSED,
    SHARED,
    Desk,
    Headers,
    Refusal,
    Short,
    headers,
    query_tag,
    store_of,
    tagged,
)
from publisher.views.results import Form, Kept, form, names, streamed, table
from publisher.views.shelf import search_index

blueprint = Blueprint("sparql", __name__)

ROWS_SHOWN = 1000
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


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    limits = state.app.config.setdefault("SPARQL_LIMITS", Limits())
    state.app.extensions["sparql"] = Desk(Pool(limits), Purse(limits.client_seconds, limits.client_share), Kept(), Aside(limits))


@blueprint.route("/sparql", methods=METHODS, provide_automatic_options=False)
def sparql() -> Response:
    """Answer a query (SPARQL 1.1 Protocol, 2.1), or describe the service when none is asked."""
    try:
        if REFUSED in request.environ:  # asked already, on the short way
            raise request.environ[REFUSED]
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
    if "Access-Control-Allow-Origin" not in response.headers:
        response.headers.extend(SHARED)
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = ALLOW
        response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, If-None-Match"
    return response


def _asked() -> Asked:
    """Return the request's parameters. Raises Refusal 400, 403, 413, 415."""
    limits: Limits = current_app.config["SPARQL_LIMITS"]
    params = _params(request.query_string)
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


def _params(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        sentence = "Die Parameter müssen prozentkodiertes UTF-8 sein. / Parameters must be percent-encoded UTF-8."
        raise Refusal(400, f"{sentence} ({error})") from error


def _posted() -> list[tuple[str, str]]:
    """Return the parameters in a POST's body: a form (2.1.2) or a query as such (2.1.3)."""
    media_type = request.mimetype
    if media_type == "application/x-www-form-urlencoded":
        return _params(request.get_data().replace(b" ", b"+"))
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
    """Return the answer to the one query of a request, from the client's cache or from what is kept here where that still holds."""
    desk: Desk = current_app.extensions["sparql"]
    query = desk.judged(next(iter(asked.all("query")), ""))
    chosen = _form(query, asked.all("format"))
    release: Release = current_app.config["RELEASE"]()
    defaults, named = asked.all("default-graph-uri"), asked.all("named-graph-uri")
    tag = query_tag(query, release.number, chosen, defaults, named)
    if tag and not chosen.page and "HTTP_IF_NONE_MATCH" in request.environ and unchanged(tag):
        return Response(status=304, headers=headers(release.number, tag))
    data, spent = desk.kept.get(release.number, tag) if tag else None, 0.0
    if data is None:
        base = f"{current_app.config['BASE']}/sparql"
        job = Job(_searched(desk, query), chosen.engine_type, base, defaults, named)
        answer = desk.answer(store_of(release.path), job, request.remote_addr or "")
        spent = answer.milliseconds
        if answer.size > current_app.config["SPARQL_LIMITS"].whole and not chosen.page:
            made = headers(release.number, tag, chosen.content_type, spent)
            return streamed(answer.body, answer.size, made, request.environ.get("HTTP_ACCEPT_ENCODING", ""))
        with answer.body as body:
            data = body.read()
        if tag:
            desk.kept.put(release.number, tag, data)
    if chosen.page:
        return _page(query, data, release.number)
    return _sent(desk, release.number, tag, data, headers(release.number, tag, chosen.content_type, spent))


def _sent(desk: Desk, release: int, tag: str, data: bytes, said: Headers) -> Response:
    data, coding = desk.packed(release, tag, data, request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    return Response(data, headers=[*said, *coding])


def _page(query: Query, data: bytes, release: int) -> Response:
    """Return a result as a page for browsers without script: a table, a graph as text."""
    shown = table(data, ROWS_SHOWN) if query.kind == "solutions" else data.decode()
    page = render_template("sparql_result.html", query=query.text, kind=query.kind, shown=shown, most=ROWS_SHOWN)
    return Response(page, headers=headers(release, "", PAGE_TYPE))


def _searched(desk: Desk, query: Query) -> Query:
    """Return the query with its text searches replaced by what the release's index finds."""
    try:
        return answered(query, desk.searches(query.text), _found)
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


def _form(query: Query | None, wished: list[str]) -> Form:
    """Return the form of an answer (a document, when there is no query) by `format=` or Accept. Raises Refusal 406."""
    kind, accept = query.kind if query else "graph", request.environ.get("HTTP_ACCEPT", "")
    # A long header is one client's own: it is not remembered.
    found = form if len(accept) < 500 else form.__wrapped__
    pages = query is not None and "pages" in current_app.blueprints
    if chosen := found(kind, wished[-1] if wished else "", accept, pages):
        return chosen
    available = names(kind)
    raise Refusal(406, f"Verfügbar sind: {', '.join(available)}. / Available are: {', '.join(available)}.", available=available)


def _introduction() -> Response:
    """Return what stands at the endpoint itself: the query form for browsers, the service description for programs."""
    limits: Limits = current_app.config["SPARQL_LIMITS"]
    pages = HTML if "pages" in current_app.blueprints else ()
    best = negotiated(request.headers.get("Accept"), [*pages, *names("graph")])
    number = current_app.config["RELEASE"]().number
    if best in HTML:
        page = render_template("sparql.html", limits=limits, endpoint=f"{current_app.config['BASE']}/sparql")
        return Response(page, headers=headers(number, "", PAGE_TYPE))
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
    fresh = wanted.isascii() and wanted.isdigit() and len(wanted) < 19 and number >= int(wanted)
    found = {"status": "ok" if fresh else "stale", "release": number}
    response = Response(orjson.dumps(found), 200 if fresh else 503, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Publisher-Release"] = str(number)
    return response


def _document(turtle: bytes, release: int) -> Response:
    chosen = _form(None, request.args.getlist("format"))
    tag = tagged(turtle.decode(), chosen.engine_type)
    if unchanged(tag):
        return Response(status=304, headers=headers(release, tag))
    data = converted(turtle, chosen.engine_type)
    return _sent(current_app.extensions["sparql"], release, tag, data, headers(release, tag, chosen.content_type))


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
    app.wsgi_app = Bodies(Short(app, app.wsgi_app, "/sparql"))  # type: ignore[method-assign]
    return app


def served_dataset() -> Flask:
    """Return the app on PUBLISHER_DATASET under PUBLISHER_BASE, no client rationed: what a WSGI server's worker processes call."""
    base = os.environ.get("PUBLISHER_BASE", "http://127.0.0.1:8000")
    return settled(dataset_app(Path(os.environ["PUBLISHER_DATASET"]), base, Limits(client_seconds=0)))


def settled(app: Flask) -> Flask:
    """Make this process one of a web server's: it ends with its parent, its query workers start, its collector skips what stays."""
    take_turns(SHORT_TURN)
    # A server that is killed outright (SIGKILL) tells its processes nothing, and they would keep the port.
    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    with suppress(Busy):  # before the first release
        app.extensions["sparql"].pool.warm(store_of(app.config["RELEASE"]().path))
    # Else a full collection walks all modules and templates again and again, and requests wait for it (20 ms and more).
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.0002)  # a thread at work on much lets those with little go first
    return app
