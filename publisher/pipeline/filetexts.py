"""Reads the PDFs of a source's records, politely and so many a run, and keeps their texts for the search."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.config import Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.texts import OWNERS, Shelf, Text, extracted, files_of, mark_of, ready

AGAIN = timedelta(days=14)  # after which a dead link, or a file that could not be read, is tried once more


class Reading(NamedTuple):
    """How many files were read, led nowhere, or could not be read; left: how many wait for the next run."""

    read: int = 0
    dead: int = 0
    faults: int = 0
    left: int = 0


def read_files(journal: Journal, source: Source, fetch: Fetch, home: Path, at: str) -> Reading:
    """Read at most `source.files_a_run` files that are new, changed, or due for another try. Raises Misconfigured without the library."""
    if source.files_a_run <= 0 or fetch.replay:
        return Reading()
    ready()
    shelf, count = Shelf(home), dict.fromkeys(("text", "dead", "fault", "left"), 0)
    for _, kind, seq in journal.live(source.name):
        obj: dict[str, Any] = orjson.loads(journal.at(seq).json) if kind in OWNERS else {}
        for url, file in files_of(obj):
            if not _due(shelf.get(url), mark_of(file), at):
                continue
            if count["text"] + count["dead"] + count["fault"] >= source.files_a_run:
                count["left"] += 1
                continue
            found = _text(fetch, url, mark_of(file), at)
            shelf.put(obj["id"], found)
            count[found.state] += 1
    return Reading(count["text"], count["dead"], count["fault"], count["left"])


def _due(known: Text | None, mark: str, at: str) -> bool:
    if known is None or known.mark != mark:
        return True
    return known.state != "text" and datetime.fromisoformat(at) - datetime.fromisoformat(known.at) >= AGAIN


def _text(fetch: Fetch, url: str, mark: str, at: str) -> Text:
    try:
        page = fetch(url, statuses=(404, 410))
        if page.status in (404, 410):
            return Text(url, mark, at, "dead", fault=f"HTTP {page.status}")
        return Text(url, mark, at, "text", extracted(page.body, url))
    except (Unreachable, Malformed) as error:
        return Text(url, mark, at, "fault", fault=str(error)[:500])
