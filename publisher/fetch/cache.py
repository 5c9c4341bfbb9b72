"""The page cache: every answer of a harvest, compressed, for resuming, for conditional requests and for replaying offline."""

import gzip
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.errors import Misconfigured
from publisher.fetch.page import Page

FRESH_SECONDS = 86_400.0


class Kept(NamedTuple):
    """A page as kept: the number of the run that read it, and when (seconds since 1970)."""

    asked: str
    run: int
    read: float
    page: Page


class Cache:
    """The pages of one source in {home}/cache/{source}/. A run that did not finish is gone on with, its pages are not asked again."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder, self._now = folder, now
        self._finished = folder / "finished"
        told = self._finished.read_bytes() if self._finished.is_file() else b""
        self.run = 1 + (int(told) if told.isdigit() else 0)  # a power cut may leave it empty

    def path(self, url: str) -> Path:
        """Return the file in which the page of `url` is kept."""
        name = sha256(url.encode()).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.gz"

    def get(self, url: str) -> Kept | None:
        """Return the kept page of `url`; a damaged file counts as none."""
        return _kept(self.path(url))

    def current(self, kept: Kept) -> bool:
        """Return whether a kept page was read by this run, interrupted and now going on, within a day; or can never change (RFC 8246)."""
        if kept.page.status == 200 and "immutable" in kept.page.headers.get("cache-control", ""):
            return True
        return kept.run == self.run and 0 <= self._now() - kept.read < FRESH_SECONDS

    def put(self, asked: str, page: Page) -> None:
        """Keep a page; a crash leaves the old one or the new one. Raises Misconfigured if the disk refuses it."""
        self._write(self.path(asked), Kept(asked, self.run, self._now(), page))

    def _write(self, path: Path, kept: Kept) -> None:
        page = kept.page
        head = {**kept._asdict(), "url": page.url, "status": page.status, "headers": dict(page.headers)}
        del head["page"]
        try:
            packed = gzip.compress(orjson.dumps(head) + b"\n" + page.body, 3, mtime=0)
            if not path.parent.is_dir():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # pages hold what is withheld later, phone numbers say
                path.parent.mkdir(exist_ok=True)
            _replace(path, packed)
        except OSError as error:
            raise Misconfigured(f"{path}: the page cache cannot be written: {error}; expected a writable disk with space") from error

    def finish(self) -> None:
        """Say that this run is whole: the next one asks the server again."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _replace(self._finished, str(self.run).encode())
        except OSError as error:
            raise Misconfigured(f"{self._finished}: cannot be written: {error}") from error
        self.run += 1

    def prune(self, days: float) -> int:
        """Delete the pages not read for `days`; return how many."""
        old = [path for path in sorted(self._folder.glob("??/*.gz")) if self._now() - _read_at(path) > days * 86_400]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def forget(self, text: str) -> int:
        """Delete each page asked under `text` or holding it (an object's id); return how many."""
        plain, escaped = text.encode(), text.replace("/", "\\/").encode()
        named = [
            path for path, kept in self._all() if kept is None or text == kept.asked or plain in kept.page.body or escaped in kept.page.body
        ]
        for path in named:
            path.unlink(missing_ok=True)
        return len(named)

    def withhold(self, ids: frozenset[str], keys: frozenset[str]) -> int:
        """Take the keys out of each object of a kept JSON page that has one of the ids, so that the page can still be replayed; drop any
        other page that was asked under one of them or names it. Return how many pages changed."""
        count = 0
        for path, kept in self._all():
            if kept is None:
                continue
            try:
                body = _without(orjson.loads(kept.page.body), ids, keys)
            except orjson.JSONDecodeError:
                body = b"" if kept.asked in ids or any(one.encode() in kept.page.body for one in ids) else None
            if body is not None:
                count += 1
                path.unlink(missing_ok=True)
                if body:
                    self._write(path, kept._replace(page=kept.page._replace(body=body)))
        return count

    def _all(self) -> Iterator[tuple[Path, Kept | None]]:
        for path in sorted(self._folder.glob("??/*.gz")):
            yield path, _kept(path)


def _read_at(path: Path) -> float:
    """Return when a page was read, seconds since 1970, from its first line alone; 0 for a damaged file."""
    try:
        with gzip.open(path) as file:
            return float(orjson.loads(file.readline())["read"])
    except (OSError, EOFError, ValueError, KeyError):
        return 0.0


def _kept(path: Path) -> Kept | None:
    try:
        head, body = gzip.decompress(path.read_bytes()).split(b"\n", 1)
        told: dict[str, Any] = orjson.loads(head)
        page = Page(told["url"], told["status"], told["headers"].get("content-type", ""), body, told["headers"])
        return Kept(told["asked"], told["run"], told["read"], page)
    except (OSError, EOFError, ValueError, KeyError):
        return None


def _without(told: Any, ids: frozenset[str], keys: frozenset[str]) -> bytes | None:
    """Return JSON without the keys in the objects with these ids, at any depth, and without vendors' own; None if nothing changes."""
    changed, todo = False, [told]
    while todo:
        value = todo.pop()
        if isinstance(value, dict) and value.get("id") in ids:
            for key in [key for key in value if key in keys or ":" in key]:
                changed = True
                del value[key]
        todo += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return orjson.dumps(told) if changed else None


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.replace(path)
