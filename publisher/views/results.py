"""Results of queries as responses: the form that a client wants, packed as it can unpack it, the small ones kept for the next who asks."""

import gzip
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple, Protocol

import brotli
import orjson
from flask import Response
from werkzeug.http import parse_accept_header

from publisher.store.workers import Held
from publisher.views.answers import HTML, negotiated

JSON, NTRIPLES = "application/sparql-results+json", "application/n-triples"
# Short name for `format=`, media type, and the media types it may be asked for by; the first row answers */*.
SOLUTIONS = (
    ("json", JSON, ("application/json",)),
    ("xml", "application/sparql-results+xml", ("application/xml", "text/xml")),
    ("csv", "text/csv", ()),
    ("tsv", "text/tab-separated-values", ()),
)
GRAPH = (
    ("ttl", "text/turtle", ("application/x-turtle",)),
    ("jsonld", "application/ld+json", ("application/json",)),
    ("nt", NTRIPLES, ("text/plain",)),
    ("rdf", "application/rdf+xml", ("application/xml", "text/xml")),
    ("nq", "application/n-quads", ()),
    ("trig", "application/trig", ()),
)
PAGE = (("html", HTML[0], HTML[1:]),)
FORMATS = {"solutions": SOLUTIONS, "graph": GRAPH}
CHUNK = 1 << 16
WORTH = 1400  # bytes; less goes into one packet anyway


class Form(NamedTuple):
    """How an answer is announced, and the media type that the engine is asked for."""

    content_type: str
    engine_type: str

    @property
    def page(self) -> bool:
        """Whether it is a table on a page."""
        return self.content_type.startswith(HTML[0])


@lru_cache(1000)
def form(kind: str, wish: str, accept: str, pages: bool) -> Form | None:
    """Return the form for `solutions` or a `graph` by `format=` or Accept; None if nothing that is accepted is there."""
    formats = (*FORMATS[kind], *(PAGE if pages else ()))
    chosen = next((media_type for name, media_type, aliases in formats if wish in (name, media_type, *aliases)), None)
    # Clients send `format=` with names of their own (SPARQLWrapper: "turtle"); then their Accept header speaks.
    offers = {media_type: media_type for _, media_type, _ in formats}
    offers |= {alias: media_type for _, media_type, aliases in formats for alias in aliases if alias not in offers}
    told = chosen or negotiated(accept, list(offers))
    if not told:
        return None
    text = told.startswith("text/") or told in (NTRIPLES, "application/n-quads")
    engine_type = chosen or offers[told]
    return Form(f"{told}; charset=utf-8" if text else told, FORMATS[kind][0][1] if engine_type == HTML[0] else engine_type)


def names(kind: str) -> list[str]:
    """Return the media types that there are for `solutions` or a `graph`."""
    return [media_type for _, media_type, _ in FORMATS[kind]]


class Packer(Protocol):
    """Packs a stream piece by piece."""

    def process(self, data: bytes, /) -> bytes: ...
    def finish(self) -> bytes: ...


class Gzip:
    """zlib's stream with the names that brotli's has."""

    def __init__(self) -> None:
        self._press = zlib.compressobj(1, zlib.DEFLATED, 31)
        self.process, self.finish = self._press.compress, self._press.flush


# By liking: at these levels brotli costs no more time than gzip and makes smaller answers of records and tables.
PACKERS: dict[str, Any] = {"br": lambda: brotli.Compressor(quality=1), "gzip": Gzip}
PACKED: dict[str, Any] = {
    "br": lambda data: brotli.compress(data, quality=1 if len(data) > WORTH * 100 else 4),
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
}


@lru_cache(1000)
def packing(accepted: str) -> str:
    """Return the content coding for an Accept-Encoding header: br, gzip, or "" (RFC 9110, 12.5.3)."""
    wanted = parse_accept_header(accepted)
    qualities = {name.lower(): quality for name, quality in wanted}
    best = max(PACKED, key=lambda name: qualities.get(name, qualities.get("*", 0.0)))
    return best if qualities.get(best, qualities.get("*", 0.0)) > 0 else ""


def streamed(body: BinaryIO | Held, size: int, headers: list[tuple[str, str]], accepted: str) -> Response:
    """Return a large answer as a response that is read from its file in constant memory; `accepted`: the Accept-Encoding."""
    coding = packing(accepted[:200])
    response = Response(_through(body, PACKERS[coding]()) if coding else _chunks(body), headers=headers)
    response.call_on_close(body.close)
    if coding:
        response.headers["Content-Encoding"] = coding
    else:
        response.content_length = size
    return response


def _chunks(body: BinaryIO | Held) -> Iterator[bytes]:
    while chunk := body.read(CHUNK):
        yield chunk


def _through(body: BinaryIO | Held, packer: Packer) -> Iterator[bytes]:
    for chunk in _chunks(body):
        if data := packer.process(chunk):
            yield data
    yield packer.finish()


class Kept:
    """Small answers of the release in service by tag, at most `room` bytes; the longest unused goes first."""

    def __init__(self, room: int = 64 << 20, largest: int = 1 << 20) -> None:
        self.room, self.largest = room, largest
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._release = self._size = 0
        self._lock = threading.Lock()

    def get(self, release: int, tag: str) -> bytes | None:
        """Return what was kept of this release, None if nothing was."""
        with self._lock:
            found = self._held.get(tag) if release == self._release else None
            if found is not None:
                self._held.move_to_end(tag)
            return found

    def put(self, release: int, tag: str, data: bytes) -> None:
        """Keep an answer unless it is large. What was kept of another release is dropped."""
        if len(data) > self.largest:
            return
        with self._lock:
            if release != self._release:
                self._held.clear()
                self._release, self._size = release, 0
            self._size += len(data) - len(self._held.pop(tag, b""))
            self._held[tag] = data
            while self._size > self.room:
                self._size -= len(self._held.popitem(last=False)[1])


class Table(NamedTuple):
    """An answer as a page shows it: columns, the first rows of terms, how many rows there are in all."""

    columns: list[str]
    rows: list[list[dict[str, str] | None]]
    size: int


def table(data: bytes, most: int) -> Table:
    """Return SPARQL results JSON as a table of at most `most` rows; a boolean is one cell."""
    found = orjson.loads(data)
    if "boolean" in found:
        return Table(["ASK"], [[{"type": "literal", "value": str(found["boolean"]).lower()}]], 1)
    columns, rows = found["head"]["vars"], found["results"]["bindings"]
    return Table(columns, [[row.get(name) for name in columns] for row in rows[:most]], len(rows))
