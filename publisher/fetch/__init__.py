"""The only socket of a harvest: polite, bounded, resumable, and able to replay what it once read."""

import email.utils
import functools
import ssl
import threading
import time
from collections.abc import Callable, Collection, Container, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx

from publisher import __version__
from publisher.config import Source
from publisher.errors import Malformed, Misconfigured, Unreachable
from publisher.fetch.cache import Cache
from publisher.fetch.guard import Guard, rules
from publisher.fetch.page import Bounds, Cut, Page, TooMuch, bounded

__all__ = ["Bounds", "Cache", "Clock", "Fetch", "Pace", "Page", "SYSTEM_CLOCK", "cache_folder"]

AGENT = "council-records-publisher"
KEPT_HEADERS = ("content-type", "content-length", "cache-control", "etag", "last-modified", "retry-after", "location", "content-language")
AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
LONGEST_PAUSE = 60.0


class Clock(NamedTuple):
    """Seconds since 1970, and a sleep; handed in so that tests need not wait."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


SYSTEM_CLOCK = Clock(time.time, time.sleep)


class Pace:
    """Keeps the pause between two requests to one host, and lets one request at a time go there; may be shared by sources and threads."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock, self._last = clock, dict[str, float]()
        self._turns, self._lock = dict[str, threading.RLock](), threading.Lock()

    def turn(self, host: str) -> threading.RLock:
        """Return the lock to hold while a request to `host` is under way."""
        with self._lock:
            return self._turns.setdefault(host, threading.RLock())

    def wait(self, host: str, pause: float) -> None:
        """Sleep until `pause` seconds after the last request to `host`; a clock set back never makes it longer than the pause."""
        if host in self._last and pause > 0:
            left = min(pause, self._last[host] + pause - self._clock.now())
            if left > 0:
                self._clock.sleep(left)
        self._last[host] = self._clock.now()


class _Again(Exception):
    """This try failed; `wait` seconds (or the usual back-off) later another may succeed."""

    def __init__(self, expected: str, wait: float | None = None) -> None:
        super().__init__(expected)
        self.expected, self.wait = expected, wait


@functools.cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reading the certificates takes longer than many a page


def cache_folder(home: Path, source_name: str) -> Path:
    """Return where the pages of a source are kept."""
    return home / "cache" / source_name


class Fetch:
    """Calls servers for one source: `fetch(url)` returns a whole Page or raises Unreachable.

    Pauses `source.pause` seconds a host, obeys robots.txt (options.robots = "ignore" with the operator's leave), repeats what may be
    a passing fault, and keeps each page in {home}/cache/. `replay` answers from there alone and opens no socket. `idle()` is entered
    while the server is waited for, so that other walks may go on.
    """

    def __init__(
        self,
        source: Source,
        home: Path | None = None,
        *,
        replay: bool = False,
        clock: Clock = SYSTEM_CLOCK,
        pace: Pace | None = None,
        idle: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.source, self.replay, self._idle = source, replay, idle
        self._clock, self._pace = clock, pace or Pace(clock)
        self._bounds = _bounds(source.options, source.name)
        self._cache = Cache(cache_folder(home, source.name), clock.now) if home else None
        self._guard = Guard(source.url)
        self._robots: dict[str, tuple[RobotFileParser, float] | None] = {}
        self.counts = {"requests": 0, "repeats": 0, "kept": 0, "unchanged": 0, "bytes": 0}
        name = f"{AGENT}/{__version__}" + (f" ({source.contact})" if source.contact.isascii() and source.contact else "")
        self._client = httpx.Client(
            headers={"User-Agent": name, "Accept-Encoding": "gzip, deflate"},
            timeout=httpx.Timeout(min(60.0, self._bounds.seconds), connect=20.0),
            limits=httpx.Limits(max_connections=1),
            follow_redirects=False,
            verify=_trust(),
        )
        self._proxied = any(value is not None for value in self._client._mounts.values())

    def _unreachable(self, url: str, expected: str) -> Unreachable:
        return Unreachable(self.source.name, url, f"expected {expected}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the run stays open, so a later Fetch goes on with it."""
        self._client.close()

    def finish(self) -> None:
        """Say that the walk is whole; the next Fetch begins a new one."""
        if self._cache and not self.replay:
            self._cache.finish()

    def withhold(self, ids: Collection[str], names: Collection[str]) -> None:
        """Take "Class.key" values out of the kept pages' objects with these ids; nothing to do when replaying or without a home."""
        if self._cache and ids and not self.replay:
            self._cache.withhold(frozenset(ids), frozenset(name.partition(".")[2] for name in names))

    def prune(self, days: float) -> int:
        """Drop the kept pages that were not read for `days`; return how many."""
        return self._cache.prune(days) if self._cache else 0

    def __call__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        statuses: Container[int] = (),
        check: Callable[[Page], object] | None = None,
    ) -> Page:
        """Return the page of `url`. Raises Unreachable: source, address, what was expected.

        statuses: besides 2xx, answers the caller wants to see. check: raises Malformed on a page that is not what it should be; such
        an answer is asked for again like any other passing fault, never kept, and its Malformed comes out in the end.
        """
        kept = self._cache.get(url) if self._cache else None
        if self.replay:
            if kept is None:
                raise self._unreachable(url, "a page kept by an earlier harvest; none is in the cache")
            return kept.page
        if kept and self._cache and self._cache.current(kept):
            self.counts["kept"] += 1
            return kept.page
        with self._idle():
            page = self._whole(url, _conditional(headers or {}, kept.page if kept else None), statuses, check)
        if page.status == 304 and kept:
            self.counts["unchanged"] += 1
            page = kept.page
        if self._cache:
            self._cache.put(url, page)
        return page

    def _whole(self, url: str, headers: Mapping[str, str], statuses: Container[int], check: Callable[[Page], object] | None) -> Page:
        wait = 1.0
        for left in range(self._bounds.tries - 1, -1, -1):
            try:
                page = self._followed(url, headers, statuses)
                if check and page.status != 304:
                    check(page)
                return page
            except Malformed:
                if not left:
                    raise
                asked = None
            except _Again as fault:
                if not left:
                    raise self._unreachable(url, f"{fault.expected} (asked {self._bounds.tries} times)") from fault
                asked = fault.wait
            self.counts["repeats"] += 1
            self._clock.sleep(wait if asked is None else max(asked, wait))
            wait = min(wait * 2, LONGEST_PAUSE)
        raise self._unreachable(url, "at least one try; options.tries is 0")

    def _followed(self, url: str, headers: Mapping[str, str], statuses: Container[int]) -> Page:
        at, seen = url, {url}
        for _ in range(self._bounds.redirects + 1):
            with self._pace.turn(self._host(at)):
                self._allow(at)
                page = self._one(at, headers)
            if page.status == 304 or 200 <= page.status < 300 or page.status in statuses:
                return page
            if page.status not in (301, 302, 303, 307, 308):
                raise self._fault(page, url)
            at = self._joined(at, page.headers.get("location", ""))
            if at in seen:
                raise self._unreachable(url, f"an end of its redirects; they come back to {at}")
            seen.add(at)
        raise self._unreachable(url, f"at most {self._bounds.redirects} redirects")

    def _host(self, url: str) -> str:
        try:
            return urlsplit(url).netloc
        except ValueError as error:  # as of "http://[::1" and other brackets without an address in them
            raise self._unreachable(url, f"an address; {error}") from error

    def _joined(self, at: str, location: str) -> str:
        try:
            return urljoin(at, location)
        except ValueError as error:
            raise self._unreachable(at, f"a redirect to an address, got {location[:200]!r}; {error}") from error

    def _fault(self, page: Page, url: str) -> Exception:
        got = f"an answer 200, got {page.status}{said(page)}"
        if page.status in AGAIN:
            wait = _seconds(page.headers.get("retry-after", ""), self._clock.now())
            if wait is None or wait <= self._bounds.wait:
                return _Again(got, wait)
            return self._unreachable(url, f"{got}; the server asks to wait {wait:,.0f} seconds")
        return self._unreachable(url, got)

    def _allow(self, url: str) -> None:
        objection = self._guard.objection(url)
        if objection:
            raise self._unreachable(url, objection)
        robots = self._rules(url)
        if robots and not robots[0].can_fetch(AGENT, url):
            raise self._unreachable(url, 'leave of robots.txt; with the operator\'s leave set options.robots = "ignore"')
        host = urlsplit(url).netloc
        self._pace.wait(host, max(self.source.pause, min(robots[1], LONGEST_PAUSE) if robots else 0.0))

    def _rules(self, url: str) -> tuple[RobotFileParser, float] | None:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if self.source.options.get("robots") == "ignore":
            return None
        if origin not in self._robots:
            self._robots[origin] = None  # robots.txt itself needs no leave
            try:
                page = self._whole(f"{origin}/robots.txt", {}, range(400, 500), None)
            except Unreachable:
                del self._robots[origin]  # RFC 9309, 2.3.1.4: a failing robots.txt is no leave
                raise
            self._robots[origin] = rules(page.text, AGENT) if page.status < 300 else None
        return self._robots[origin]

    def asked(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """Return one answer as it is, whatever its status: no repeat, no redirect, no cache. For rehearsals of other clients."""
        try:
            return self._one(url, headers or {}, method)
        except _Again as error:
            raise self._unreachable(url, error.expected) from error

    def _one(self, url: str, headers: Mapping[str, str], method: str = "GET") -> Page:
        self.counts["requests"] += 1
        try:
            with self._client.stream(method, url, headers=dict(headers), extensions={"trace": self._look_at_peer}) as response:
                body = bounded(response, self._bounds, self._clock.now)
        except (httpx.TransportError, Cut) as error:
            raise _Again(f"a whole answer; {error or type(error).__name__}") from error
        except TooMuch as error:
            raise self._unreachable(url, str(error)) from error
        except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
            raise self._unreachable(url, f"an address that can be asked: {error}") from error
        self.counts["bytes"] += len(body)
        kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        return Page(url, response.status_code, response.headers.get("content-type", ""), body, kept)

    def _look_at_peer(self, event: str, about: Mapping[str, Any]) -> None:
        """Refuse an address before a byte is sent to it: between look and call a name may have changed its address (DNS rebinding)."""
        if event == "connection.connect_tcp.complete" and not self._proxied:
            address = str(about["return_value"].get_extra_info("server_addr")[0])
            if objection := self._guard.peer_objection(address):
                raise self._unreachable(address, objection)


def said(page: Page) -> str:
    """Return what a server says about its refusal, if it says so in JSON: SD.NET tells there that its OParl module is off."""
    if "json" not in page.content_type:
        return ""
    try:
        told = page.json()
    except Malformed:
        return ""
    words = (told.get("message") or told.get("error")) if isinstance(told, dict) else None
    return f" ({' '.join(words.split())[:200]})" if isinstance(words, str) else ""


def _bounds(options: Mapping[str, Any], name: str) -> Bounds:
    told = {key.removeprefix("max_"): options[key] for key in options if key.startswith("max_")}
    if wrong := sorted(set(told) - set(Bounds._fields)):
        raise Misconfigured(
            f"source {name}: options.max_{wrong[0]}: unknown; known: {', '.join('max_' + field for field in Bounds._fields)}"
        )
    if wrong := [key for key, value in told.items() if isinstance(value, bool) or not isinstance(value, int | float) or value < 0]:
        raise Misconfigured(f"source {name}: options.max_{wrong[0]}: expected a number of 0 or more")
    return Bounds(**told)


def _conditional(headers: Mapping[str, str], kept: Page | None) -> dict[str, str]:
    asked = dict(headers)
    if kept and kept.status == 200:
        if "etag" in kept.headers:
            asked["If-None-Match"] = kept.headers["etag"]
        if "last-modified" in kept.headers:
            asked["If-Modified-Since"] = kept.headers["last-modified"]
    return asked


def _seconds(retry_after: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, None if it says nothing (RFC 9110, 10.2.3)."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - now)
    except (TypeError, ValueError):
        return None
