"""The web: an app that opens finished releases read-only, one blueprint a topic."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from publisher.config import Settings
from publisher.errors import Busy, LimitMet, Malformed, PublisherError, QueryRefused
from publisher.journal.reader import Reader, readable
from publisher.logs import JSON
from publisher.release import Release, current
from publisher.views import blueprints
from publisher.views.access import Access
from publisher.views.answers import problem
from publisher.views.bodies import Bodies
from publisher.views.desk import Short
from publisher.views.express import Express
from publisher.views.packed import Packed
from publisher.views.sparql import settled

__all__ = ["create_app", "library", "problem", "served"]

ALWAYS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Content-Location, Retry-After, X-Publisher-Release",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


class Library:
    """Hands each thread its own Reader of the release in service, and opens a new one after a switch."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._own = threading.local()
        self._pointer = home / "current"
        self._seen: tuple[str, Release | None] = ("", None)

    def release(self) -> Release:
        """Return the release in service. Raises Busy before the first one."""
        # Every request asks; reading the link alone is a tenth of the work of building paths from it.
        try:
            target = self._pointer.readlink().name
        except OSError:
            target = ""
        if target != self._seen[0] or self._seen[1] is None:
            self._seen = (target, current(self.home))
        if self._seen[1] is None:
            raise Busy("no release is in service yet; publisher build makes one")
        return self._seen[1]

    def reader(self) -> Reader:
        number = self.release().number
        held: Reader | None = getattr(self._own, "reader", None)
        if held is None or held.release != number:
            if held is not None:
                held.close()
            held = self._own.reader = readable(self.home, number)
        return held


def create_app(home: Path) -> Flask:
    """Return the WSGI app of an instance; it writes nothing and works on whatever release is in service."""
    app = Flask(__name__)
    books = Library(home)
    app.config.update(HOME=home, LIBRARY=books, RELEASE=books.release, BASE=_base(books))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    # Merging slashes redirects to whatever Host the client named, for ever: a way to poison caches.
    app.url_map.merge_slashes = False
    _register(app, blueprints.ALL, urlsplit(app.config["BASE"]).path)
    app.register_error_handler(PublisherError, _failed)
    app.register_error_handler(HTTPException, _http_problem)
    app.after_request(_everywhere)
    place = f"{urlsplit(app.config['BASE']).path}/sparql"
    app.wsgi_app = Packed(Bodies(Short(app, Express(app, books, app.config["BASE"]), place)))  # type: ignore[method-assign]
    return app


def served() -> Flask:
    """Return the app of the instance in PUBLISHER_HOME: what the WSGI server's worker processes call.

    PUBLISHER_PROXIES: how many front servers of ours stand before it; only they may say who the client is. PUBLISHER_LOG: "json"
    for a line of log for each answer.
    """
    app = create_app(Path(os.environ["PUBLISHER_HOME"]))
    if proxies := int(os.environ.get("PUBLISHER_PROXIES", "0")):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0)  # type: ignore[method-assign]
    if os.environ.get("PUBLISHER_LOG") == JSON:
        app.wsgi_app = Access(app.wsgi_app, app.config["RELEASE"])  # type: ignore[method-assign]
    return settled(app)


def library() -> Reader:
    """Return the Reader of the release in service, for this thread."""
    reader: Reader = current_app.config["LIBRARY"].reader()
    return reader


def _base(books: Library) -> str:
    try:
        return books.reader().base
    except (Busy, Malformed):
        return Settings(books.home, "http://127.0.0.1:8000").base


def _register(app: Flask, found: Iterable[Blueprint], prefix: str) -> None:
    for blueprint in found:
        app.register_blueprint(blueprint, url_prefix=prefix or None)


def _failed(error: Exception) -> Response:
    if isinstance(error, QueryRefused | LimitMet):
        return problem(error.status, "Anfrage abgelehnt / query refused", str(error))
    if isinstance(error, Busy):
        made = problem(503, "Noch nicht bereit / not ready", str(error))
        made.headers["Retry-After"] = "10"
        return made
    return problem(500, "Fehler / error", str(error))


def _http_problem(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ())) if error.code == 405 else ""
    told = f"{request.method} gibt es hier nicht / there is no {request.method} here; erlaubt / allowed: {allowed}" if allowed else ""
    made = problem(error.code, error.name, told or error.description or "")
    if allowed:
        made.headers["Allow"] = allowed
    return made


def _everywhere(response: Response) -> Response:
    told = {name.lower() for name, _ in response.headers}
    for name, value in ALWAYS.items():
        if name.lower() not in told:
            response.headers.add(name, value)
    if response.status_code >= 400:  # an error is a page for people and JSON for programs, and a cache may keep it
        response.vary.update(("Accept", "Accept-Language"))
    if request.method == "OPTIONS":
        response.headers.setdefault("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
        response.headers.setdefault("Access-Control-Allow-Headers", "Accept, Content-Type, If-None-Match")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'")
    return response


def body_of(value: Any) -> bytes:
    """Return JSON bytes as every view writes them."""
    return orjson.dumps(value)
