"""The short way of a record document: one look-up and one answer, before Flask, for the plain questions that make most of the traffic."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from flask import Flask
from werkzeug.http import parse_etags

from publisher.errors import PublisherError
from publisher.journal.reader import Found, Reader
from publisher.ontology import VERSION
from publisher.views.answers import CONDITIONAL, HTML, http_date, negotiated
from publisher.views.documents import OFFERED, SUFFIX_OF, WRITERS, link_header, with_context

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Start = Callable[..., Any]
OTHERS = CONDITIONAL - {"HTTP_IF_NONE_MATCH"}
# What differs from record to record; all else an answer of Flask's shows, and is the same for every record of a release in a format.
OWN = frozenset(("content-length", "content-location", "link", "etag", "last-modified"))


class Books(Protocol):
    """Hands out the Reader of the release in service."""

    def reader(self) -> Reader: ...


class Express:
    """A WSGI app before another: answers GET of a record in a data format, byte for byte and header for header as the other does.

    Whatever is not so plain (pages, queries, ranges, profiles, suffixes, what is not there) goes on to the other.
    """

    def __init__(self, app: Flask, books: Books, base: str) -> None:
        self.app, self.books, self.inner = app, books, app.wsgi_app
        self.path = urlsplit(base).path
        self.origin = base.removesuffix(self.path)
        self.places = (f"{self.path}/eli/dl/", f"{self.path}/id/")
        self.known: dict[tuple[int, str], Headers] = {}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        media, path = self._media(environ), environ["PATH_INFO"]
        if not media or not path.startswith(self.places):
            return self.inner(environ, start)
        try:
            reader = self.books.reader()
        except PublisherError:
            return self.inner(environ, start)
        found = reader.get(self.origin + path)
        if found is None:
            return self.inner(environ, start)
        told = self.known.get((reader.release, media))
        if told is None:
            return self.inner(environ, self._noting(start, (reader.release, media)))
        return self._answer(environ, start, found, reader, media, told)

    def _media(self, environ: Environ) -> str:
        """Return the data format that a plain question wants, "" for any other question."""
        if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING") or environ.get("SCRIPT_NAME"):
            return ""
        accept = environ.get("HTTP_ACCEPT", "")
        media = negotiated(accept, OFFERED) if "json-ld#" not in accept and OTHERS.isdisjoint(environ) else ""
        return "" if media is None or media in HTML else media

    def _noting(self, start: Start, key: tuple[int, str]) -> Start:
        """Return a start_response that remembers what Flask's answers of this kind say; of one release at a time."""

        def noted(status: str, headers: Headers, *more: Any) -> Any:
            if status.startswith("200"):
                self.known = {one: told for one, told in self.known.items() if one[0] == key[0]}
                self.known[key] = [(name, value) for name, value in headers if name.lower() not in OWN]
            return start(status, headers, *more)

        return noted

    def _answer(self, environ: Environ, start: Start, found: Found, reader: Reader, media: str, told: Headers) -> Iterable[bytes]:
        tag = f"{found.hash[:20]}-{found.seq}-{SUFFIX_OF[media]}-{VERSION}"
        own = [("Content-Location", f"{found.iri}.{SUFFIX_OF[media]}"), ("ETag", f'"{tag}"')]
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(tag):
            start("304 NOT MODIFIED", [*own, *(one for one in told if one[0] != "Content-Type")])
            return []
        body = WRITERS[media](orjson.loads(found.json)) if media in WRITERS else with_context(found.json, reader.base)
        body = body if isinstance(body, bytes) else body.encode()
        with self.app.app_context():
            own += [("Link", link_header(found)), ("Content-Length", str(len(body)))]
        if stamp := http_date(found.recorded):
            own.append(("Last-Modified", stamp))
        start("200 OK", [*own, *told])
        return [body]
