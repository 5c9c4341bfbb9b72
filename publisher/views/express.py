"""The short way of a record, as data or as a page: before Flask's own, for the plain questions that make most of the traffic."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.http import parse_etags

from publisher.errors import PublisherError
from publisher.journal.reader import Found, Reader
from publisher.ontology import VERSION
from publisher.views.answers import CONDITIONAL, HTML, http_date, negotiated
from publisher.views.documents import OFFERED, SUFFIX_OF, WRITERS, answered, link_header, shown_before, with_context, written

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Start = Callable[..., Any]
OTHERS = CONDITIONAL - {"HTTP_IF_NONE_MATCH"}
# What differs from record to record; all else an answer of Flask's shows, and is the same for every record of a release in a format.
OWN = frozenset(("content-length", "content-location", "link", "etag", "last-modified"))
PAGES_OWN = OWN | {"content-type", "vary", "cache-control", "x-publisher-release"}
# Whatever a page stumbles over, the long way meets again, and says so as it says everything.
STUMBLES = (PublisherError, LookupError, AttributeError, TypeError, ValueError)


class Books(Protocol):
    """Hands out the Reader of the release in service."""

    def reader(self) -> Reader: ...


class Express:
    """A WSGI app before another: answers GET of a record in any format, byte for byte and header for header as the other does.

    Whatever is not so plain (queries, ranges, profiles, suffixes, tombstones' pages, what is not there) goes on to the other.
    """

    def __init__(self, app: Flask, books: Books, base: str) -> None:
        self.app, self.books, self.inner = app, books, app.wsgi_app
        self.path = urlsplit(base).path
        self.origin = base.removesuffix(self.path)
        self.places = (f"{self.path}/eli/dl/", f"{self.path}/id/")
        self.known: dict[tuple[int, str], Headers] = {}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        begun, media, path = time.perf_counter(), self._media(environ), environ["PATH_INFO"]
        if not media or not path.startswith(self.places):
            return self.inner(environ, start)
        try:
            reader = self.books.reader()
        except PublisherError:
            return self.inner(environ, start)
        told = self.known.get((reader.release, media))
        say = partial(self._say, start, begun)
        if told and media in HTML and (known := shown_before(self.app, environ, reader.release)):
            say("200 OK", [*known[0], *told])
            return [known[1]]
        found = reader.get(self.origin + path)
        if found is None or found.deleted and media in HTML:
            return self.inner(environ, start)
        if told is None:
            return self.inner(environ, self._noting(start, (reader.release, media)))
        if media in HTML:
            return self._page(environ, say, found, reader, told) or self.inner(environ, start)
        return self._answer(environ, say, found, reader, media, told)

    def _say(self, start: Start, begun: float, status: str, headers: Headers) -> None:
        if meter := self.app.extensions.get("meter"):
            meter.count("documents.document", "GET", int(status[:3]), time.perf_counter() - begun)
        start(status, headers)

    def _media(self, environ: Environ) -> str:
        """Return the format that a plain question wants, "" for any other question."""
        if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING") or environ.get("SCRIPT_NAME"):
            return ""
        accept = environ.get("HTTP_ACCEPT", "")
        media = negotiated(accept, OFFERED) if "json-ld#" not in accept and OTHERS.isdisjoint(environ) else ""
        return "" if media is None or media in HTML and "HTTP_IF_NONE_MATCH" in environ else media

    def _noting(self, start: Start, key: tuple[int, str]) -> Start:
        """Return a start_response that remembers what Flask's answers of this kind say; of one release at a time."""

        def noted(status: str, headers: Headers, *more: Any) -> Any:
            if status.startswith("200"):
                self.known = {one: told for one, told in self.known.items() if one[0] == key[0]}
                own = PAGES_OWN if key[1] in HTML else OWN
                self.known[key] = [(name, value) for name, value in headers if name.lower() not in own]
            return start(status, headers, *more)

        return noted

    def _page(self, environ: Environ, say: Start, found: Found, reader: Reader, told: Headers) -> Iterable[bytes]:
        context = self.app.request_context(environ)
        context.url_adapter = None  # what was asked for is known: nothing to match
        try:
            with context:
                response = answered(found, reader, "text/html")
                own, text = [*response.headers], response.get_data()
        except STUMBLES:
            return []
        say("200 OK", [*own, *told])
        return [text]

    def _answer(self, environ: Environ, say: Start, found: Found, reader: Reader, media: str, told: Headers) -> Iterable[bytes]:
        tag = f"{found.hash[:20]}-{found.seq}-{SUFFIX_OF[media]}-{VERSION}"
        own = [("Content-Location", f"{found.iri}.{SUFFIX_OF[media]}"), ("ETag", f'"{tag}"')]
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(tag):
            say("304 NOT MODIFIED", [*own, *(one for one in told if one[0] != "Content-Type")])
            return []
        body = written(media, found.json) if media in WRITERS else with_context(found.json, reader.base)
        with self.app.app_context():
            own += [("Link", link_header(found, reader.release)), ("Content-Length", str(len(body)))]
        if stamp := http_date(found.recorded):
            own.append(("Last-Modified", stamp))
        say("200 OK", [*own, *told])
        return [body]
