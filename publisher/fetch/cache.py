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
        self.run = 1 + (int(self._finished.read_text("ascii")) if self._finished.is_file() else 0)

    def path(self, url: str) -> Path:
        """Return the file in which the page of `url` is kept."""
        name = sha256(url.encode()).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.gz"

    def get(self, url: str) -> Kept | None:
        """Return the kept page of `url`; a damaged file counts as none."""
        return _kept(self.path(url))

    def current(self, kept: Kept) -> bool:
        """Return whether a kept page was read by this run, interrupted and now going on, within a day."""
        return kept.run == self.run and 0 <= self._now() - kept.read < FRESH_SECONDS

    def put(self, asked: str, page: Page) -> None:
        """Keep a page; a crash leaves the old one or the new one. Raises Misconfigured if the disk refuses it."""
        head = {"asked": asked, "run": self.run, "read": self._now(), "url": page.url, "status": page.status, "headers": dict(page.headers)}
        path = self.path(asked)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # pages hold what is withheld later, phone numbers say
            path.parent.mkdir(exist_ok=True)
            _replace(path, gzip.compress(orjson.dumps(head) + b"\n" + page.body, 3, mtime=0))
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
        old = [path for path, kept in self._all() if kept is None or self._now() - kept.read > days * 86_400]
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

    def _all(self) -> Iterator[tuple[Path, Kept | None]]:
        for path in sorted(self._folder.glob("??/*.gz")):
            yield path, _kept(path)


def _kept(path: Path) -> Kept | None:
    try:
        head, body = gzip.decompress(path.read_bytes()).split(b"\n", 1)
        told: dict[str, Any] = orjson.loads(head)
        page = Page(told["url"], told["status"], told["headers"].get("content-type", ""), body, told["headers"])
        return Kept(told["asked"], told["run"], told["read"], page)
    except (OSError, EOFError, ValueError, KeyError):
        return None


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.replace(path)
