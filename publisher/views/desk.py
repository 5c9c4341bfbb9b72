"""Who answers queries in this process, and the short way of the plain ones: before Flask's own, as a WSGI app."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from publisher.errors import LimitMet, Misconfigured, PublisherError, QueryRefused, Unreachable
from publisher.release import Release
from publisher.store.aside import Aside
from publisher.store.gate import Query, checked, searchable
from publisher.store.limits import Purse
from publisher.store.textsearch import Search, searches
from publisher.store.workers import Answer, Job, Pool
from publisher.views.answers import CONDITIONAL
from publisher.views.results import PACKED, WORTH, Form, Kept, form, packing, streamed

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Start = Callable[..., Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]

PAGE_TYPE = "text/html; charset=utf-8"
REMEMBERED_TEXT = 4096
PLAIN_TEXT = 16_384  # a harvester's list of a hundred IRIs takes 6,000 characters
LONGEST = 3 * PLAIN_TEXT + 6  # bytes of a form that may hold such a text, each escaped
SHARED = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "ETag, Retry-After, X-Publisher-Release, X-Query-Time"))
REFUSED, BEGUN = "publisher.refusal", "publisher.begun"  # where the short way leaves a refusal, and its own start, for the long one
FORM, DIRECT = "application/x-www-form-urlencoded", "application/sparql-query"
# What an answer says of itself; all else Flask adds, and is the same for every answer of a type.
OWN = frozenset(
    (
        *(name.lower() for name, _ in SHARED),
        *("x-publisher-release", "vary", "etag", "cache-control", "content-type", "x-query-time", "content-encoding", "content-length"),
    )
)


class Refusal(Exception):
    """A request that is answered by a problem: its status, its sentence, and further members of the problem."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members


class Desk(NamedTuple):
    """Who answers in this process: the query workers, the clients' purses, the answers kept, the gate for long texts."""

    pool: Pool
    purse: Purse
    kept: Kept
    aside: Aside

    def answer(self, path: Path, job: Job, client: str) -> Answer:
        """Let a worker answer, at the expense of the client's purse. Raises Refusal."""
        begin = time.monotonic()
        if wait := self.purse.debt(client, begin):
            raise Refusal(
                429,
                f"Ihre Abfragen haben die Rechenzeit dieser Minute verbraucht; weiter in {wait:.0f} s. / "
                f"Your queries have used this minute's computing time; continue in {wait:.0f} s.",
                limit="client",
                retry=int(wait) + 1,
            )
        try:
            return self.pool.ask(path, job)
        except LimitMet as limit:
            raise Refusal(limit.status, str(limit), limit=limit.limit, **({"retry": 5} if limit.limit == "workers" else {})) from limit
        except QueryRefused as refused:
            raise Refusal(refused.status, str(refused)) from refused
        except (Misconfigured, Unreachable) as error:
            raise Refusal(503, "Der Datenbestand ist nicht lesbar. / The dataset cannot be read.", retry=30) from error
        finally:
            end = time.monotonic()
            self.purse.spend(client, end - begin, end)

    def judged(self, text: str) -> Query:
        """Return the query that a text is. Raises Refusal for one that may not run, or if too many long ones wait."""
        try:
            return passed(text) if handy(text) else self.aside.checked(text)
        except QueryRefused as refused:
            raise Refusal(refused.status, str(refused)) from refused
        except LimitMet as limit:
            raise Refusal(limit.status, str(limit), limit=limit.limit, retry=5) from limit

    def searches(self, text: str) -> list[Search]:
        """Return the text searches in a query. Raises QueryRefused, LimitMet."""
        return searches(text) if len(text) < REMEMBERED_TEXT else self.aside.searches(text)

    def packed(self, release: int, tag: str, data: bytes, accepted: str) -> tuple[bytes, Headers]:
        """Return a whole answer as this client can take it, and the header that says so; what had to be packed is kept packed."""
        coding = packing(accepted[:200]) if len(data) > WORTH else ""
        if not coding:
            return data, []
        small = self.kept.get(release, f"{tag} {coding}") if tag else None
        if small is None:
            small = PACKED[coding](data)
            if tag:
                self.kept.put(release, f"{tag} {coding}", small)
        return small, [("Content-Encoding", coding)]


def handy(text: str) -> bool:
    """Tell whether a text is judged in no time: it is short, or not very long and nothing in it makes the gate read token by token."""
    return len(text) < REMEMBERED_TEXT or len(text) < PLAIN_TEXT and searchable(text)


def passed(text: str) -> Query:
    """Return the query that a handy text is. Raises QueryRefused for one that may not run."""
    return _remembered(text) if len(text) < REMEMBERED_TEXT else checked(text)


_remembered = lru_cache(2000)(checked)


@lru_cache(16)
def store_of(path: Path) -> Path:
    """Return where a release keeps its store; the same object each time, for a path is slow to make and to hash the first time."""
    return path / "store"


def tagged(*parts: str) -> str:
    """Return what stands for an answer: a hash of all that it depends on."""
    return sha256("\1".join(parts).encode()).hexdigest()[:32]


def query_tag(query: Query, release: int, chosen: Form, defaults: Iterable[str] = (), named: Iterable[str] = ()) -> str:
    """Return the tag of a query's answer, "" where two runs may differ."""
    if not query.stable:
        return ""
    return tagged(query.text, "\\0".join(defaults), "\\0".join(named), str(release), chosen.engine_type)


def headers(release: int, tag: str, content_type: str = "", spent: float | None = None) -> Headers:
    """Return the headers of an answer: what it is, how long it holds, which release it is of, how many ms of work it took."""
    vary = "Accept, Accept-Encoding, Accept-Language" if content_type == PAGE_TYPE else "Accept, Accept-Encoding"
    made = [*SHARED, ("X-Publisher-Release", str(release)), ("Vary", vary)]
    # Weak: the tag stands for the answer whether it travels compressed or not.
    made += [("ETag", f'W/"{tag}"'), ("Cache-Control", "public, max-age=60")] if tag else [("Cache-Control", "no-store")]
    if content_type:
        made.append(("Content-Type", content_type))
    if spent is not None:
        made.append(("X-Query-Time", f"{spent:.3g}"))
    return made


class Short:
    """A WSGI app before another: answers a lone query as a result, byte for byte and header for header as the other does.

    Whatever is not so plain (pages, text search, datasets, `format=`, very long texts, validators, refusals) goes on to the other.
    """

    def __init__(self, flask: Flask, app: Wsgi, place: str) -> None:
        self.flask, self.app, self.place = flask, app, place
        self.pages = "pages" in flask.blueprints
        self.known: dict[str, Headers] = {}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        text = lone_query(environ) if environ["PATH_INFO"] == self.place else ""
        if not text or "matches" in text or not handy(text):
            return self.app(environ, start)
        config, accept = self.flask.config, environ.get("HTTP_ACCEPT", "")
        try:
            query, release = passed(text), config["RELEASE"]()
        except PublisherError:
            return self.app(environ, start)
        chosen = form(query.kind, "", accept, self.pages) if len(accept) < 500 else None
        if not chosen or chosen.page or len(text.encode()) > config["SPARQL_LIMITS"].query_bytes:
            return self.app(environ, start)
        told = self.known.get(chosen.content_type)
        if told is None:
            return self.app(environ, self._noting(start, chosen.content_type))
        environ[BEGUN] = begun = time.perf_counter()
        try:
            answer = self._answer(environ, start, query, release, chosen, told)
            if meter := self.flask.extensions.get("meter"):
                meter.count("sparql.sparql", environ["REQUEST_METHOD"], 200, time.perf_counter() - begun)
            return answer
        except Refusal as refusal:
            environ[REFUSED] = refusal
            return self.app(environ, start)

    def _answer(self, environ: Environ, start: Start, query: Query, release: Release, chosen: Form, told: Headers) -> Iterable[bytes]:
        desk: Desk = self.flask.extensions["sparql"]
        number, accepted = release.number, environ.get("HTTP_ACCEPT_ENCODING", "")
        tag, spent = query_tag(query, number, chosen), 0.0
        data = desk.kept.get(number, tag) if tag else None
        if data is None:
            job = Job(query, chosen.engine_type, f"{self.flask.config['BASE']}/sparql")
            answer = desk.answer(store_of(release.path), job, environ.get("REMOTE_ADDR") or "")
            spent = answer.milliseconds
            if answer.size > desk.pool.limits.whole:
                large = streamed(answer.body, answer.size, [*headers(number, tag, chosen.content_type, spent), *told], accepted)
                return large(environ, start)
            with answer.body as body:
                data = body.read()
            if tag:
                desk.kept.put(number, tag, data)
        data, coding = desk.packed(number, tag, data, accepted)
        start("200 OK", [*headers(number, tag, chosen.content_type, spent), *coding, ("Content-Length", str(len(data))), *told])
        return [data]

    def _noting(self, start: Start, content_type: str) -> Start:
        """Return a start_response that remembers what Flask adds to an answer of a type."""

        def noted(status: str, said: Headers, *more: Any) -> Any:
            if status.startswith("200"):
                self.known[content_type] = [(name, value) for name, value in said if name.lower() not in OWN]
            return start(status, said, *more)

        return noted


def lone_query(environ: Environ) -> str:
    """Return the query of a request that says nothing else (SPARQL 1.1 Protocol, 2.1), "" for any other request."""
    if environ.get("SCRIPT_NAME") or not CONDITIONAL.isdisjoint(environ):
        return ""
    asked, method = environ.get("QUERY_STRING") or "", environ["REQUEST_METHOD"]
    if method == "GET":
        return _field(asked)
    body, kind = environ.get("wsgi.input"), environ.get("CONTENT_TYPE")
    # Only what is read already can be looked at without taking it from who comes next.
    if method != "POST" or asked or not isinstance(body, BytesIO) or kind not in (FORM, DIRECT):
        return ""
    if body.getbuffer().nbytes > LONGEST:  # not to be read twice
        return ""
    try:
        text = body.getvalue().decode()
    except UnicodeDecodeError:
        return ""
    return text if kind == DIRECT else _field(text.replace(" ", "+"))


def _field(encoded: str) -> str:
    if len(encoded) > LONGEST or not encoded.startswith("query=") or "&" in encoded or not encoded.isascii():
        return ""
    # One pass of the codec instead of a step for each escape, of which a query has hundreds; what is malformed goes on to the other way.
    escaped = encoded[6:].replace("+", " ").replace("\\", "\\\\").replace("%", "\\x")
    try:
        return escaped.encode().decode("unicode_escape").encode("latin-1").decode()
    except UnicodeError:
        return ""
