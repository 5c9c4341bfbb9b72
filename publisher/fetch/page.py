"""One answer of a server, and the exact bounds within which it is read."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx
import orjson

from publisher.errors import Malformed

CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.I)


class Page(NamedTuple):
    """A whole answer: `url` after redirects, `body` decompressed, header names in lower case."""

    url: str
    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """Return the body by the charset of its Content-Type, else UTF-8, else windows-1252; a byte nobody knows becomes U+FFFD."""
        declared = CHARSET.search(self.content_type)
        for charset in ([declared.group(1)] if declared else []) + ["utf-8-sig"]:
            try:
                return self.body.decode(charset)
            except (UnicodeDecodeError, LookupError):
                continue
        return self.body.decode("windows-1252", "replace")

    def json(self) -> Any:
        """Return the body read as JSON. Raises Malformed, telling an HTML page from a cut answer."""
        try:
            return shallow(orjson.loads(self.body), self.url)
        except orjson.JSONDecodeError as error:
            raise Malformed(self.url, f"expected JSON, got {sort_of(self.body)}: {error}") from error


def shallow(told: Any, place: str) -> Any:
    """Return JSON as it is. Raises Malformed where it is nested deeper than it can be written again (254 levels)."""
    try:
        orjson.dumps(told)
    except orjson.JSONEncodeError as error:
        raise Malformed(place, "expected JSON of a few levels, got more than 254") from error
    return told


def sort_of(body: bytes) -> str:
    """Return what an answer that is no JSON looks like, in words for a message."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if not start:
        return "an empty answer"
    if start.startswith(b"<?xml") or start.startswith(b"<!doctype html") or b"<html" in start:
        return "an HTML or XML page"
    return "a cut or broken text" if start[:1] in b"{[" else "something else"


class Cut(Exception):
    """The answer ended before it was whole; worth another try."""


class TooMuch(Exception):
    """The answer went over a bound; asking again would not help."""


class Bounds(NamedTuple):
    """What one answer may cost: bytes after decompression, seconds in all, redirects, tries."""

    bytes: int = 64 << 20
    seconds: float = 120.0
    redirects: int = 5
    tries: int = 5
    wait: float = 300.0


def bounded(response: httpx.Response, bounds: Bounds, now: Callable[[], float]) -> bytes:
    """Return the decompressed body. Raises Cut if it ends early or takes too long, TooMuch beyond the bound of size.

    Decompression is done here in small steps, for a bomb of a few kilobytes must not unfold in one piece.
    """
    until = now() + bounds.seconds
    parts, size = [], 0
    for part in _unpacked(response.iter_raw(), response.headers.get("content-encoding", "").strip().lower()):
        size += len(part)
        if size > bounds.bytes:
            raise TooMuch(f"an answer of at most {bounds.bytes:,} bytes")
        if now() > until:
            raise Cut(f"it was not there within {bounds.seconds:g} seconds")
        parts.append(part)
    return b"".join(parts)


def _unpacked(raw: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from raw
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise TooMuch(f"an answer packed as gzip or not at all, not as {encoding!r}")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for chunk in raw:
            while chunk:
                yield unpack.decompress(chunk, 1 << 20)
                chunk = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error as error:
        raise Cut(f"it is no sound {encoding}: {error}") from error
    if not unpack.eof:
        raise Cut(f"its {encoding} ended early")
