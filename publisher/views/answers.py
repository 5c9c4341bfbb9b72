"""Answers that every view gives alike: problem details, negotiated formats, validators."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

import orjson
from flask import Response, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header, quote_etag

CONDITIONAL = frozenset(f"HTTP_{name}" for name in ("IF_NONE_MATCH", "IF_MODIFIED_SINCE", "IF_MATCH", "IF_UNMODIFIED_SINCE", "RANGE"))
CACHING = "public, max-age=300, stale-while-revalidate=3600"
HTML = ("text/html", "application/xhtml+xml")


def problem(status: int, title: str, detail: str) -> Response:
    """Return a problem details response (RFC 9457)."""
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return Response(body, status, mimetype="application/problem+json")


def negotiated(accept: str | None, offered: Sequence[str]) -> str | None:
    """Return the offered media type that an Accept header wants most, or None (RFC 9110, 12.5.1).

    Ties go to the first offered; parameters are ignored; a wildcard never means HTML, which must be named.
    """
    negotiate = _negotiated if len(accept or "") < 500 else _negotiated.__wrapped__  # a long header is one client's own
    return negotiate(accept or "", tuple(offered))


@lru_cache(2000)
def _negotiated(accept: str, offered: tuple[str, ...]) -> str | None:
    best, best_quality = None, 0.0
    wanted = parse_accept_header(accept) if accept else [("*/*", 1.0)]
    for media in offered:
        quality = max(
            ((exact, weight) for name, weight in wanted if (exact := _matches(name.partition(";")[0].strip().lower(), media))),
            default=(0, 0.0),
        )[1]
        if quality > best_quality:
            best, best_quality = media, quality
    return best


def _matches(pattern: str, media: str) -> int:
    """Return how exactly a media range names a type: 3 by name, 2 by its first half, 1 by */*, 0 not at all."""
    if pattern == media:
        return 3
    if media in HTML:
        return 3 if pattern in HTML else 0
    if pattern == media.partition("/")[0] + "/*":
        return 2
    return 1 if pattern in ("*/*", "*") else 0


@lru_cache(2000)
def preferred(accept: str, offered: tuple[str, ...]) -> str:
    """Return the offered language that an Accept-Language header wants most, "" if none."""
    return parse_accept_header(accept, LanguageAccept).best_match(offered) or ""


def validated(response: Response, tag: str, modified: str = "", max_age: int = 300) -> Response:
    """Give a response its validators and turn it into 304 where the client already has it (RFC 9110, 13)."""
    response.headers["ETag"] = quote_etag(tag)
    if stamp := http_date(modified):
        response.headers["Last-Modified"] = stamp
    response.headers.setdefault("Cache-Control", CACHING if max_age == 300 else CACHING.replace("300", str(max_age)))
    if not CONDITIONAL.isdisjoint(request.environ):
        response.make_conditional(request)
    return response


def unchanged(tag: str) -> bool:
    """Tell whether the client's If-None-Match already names this tag."""
    return request.if_none_match.contains_weak(tag)


@lru_cache(10_000)
def http_date(text: str) -> str:
    """Return an RFC 3339 time as an HTTP header has it, "" for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return format_datetime(moment.astimezone(UTC), usegmt=True) if moment.tzinfo else ""
