"""Whether a harvest asks for everything or only for what changed, told by the runs before it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from publisher.config import Source
from publisher.fetch import Fetch
from publisher.journal import Journal, Run
from publisher.record import Record, Refusal
from publisher.sources import records
from publisher.sources.stamps import Stamps, changed_since

REMEMBERED = 100


def turn(journal: Journal, source: Source, at: str) -> Source:
    """Return the source as the harvest at `at` should ask it: as it is, or with `modified_since` where that can be trusted.

    Only what changed is asked for if the last whole walk is younger than `full_every_days` and found stamps that can be trusted. The
    window begins at the last run that succeeded, whole or not, so that a failed one leaves no gap.
    """
    if source.kind != "oparl" or source.options.get("modified_since"):
        return source
    good = _good(journal, source)
    whole = next((run for run in good if not run.state.get("window")), None)
    if whole is None or not whole.state.get("stamps", {}).get("trustworthy"):
        return source
    now, last, walked = _moment(at), _moment(good[0].started), _moment(whole.started)
    if now < max(last, walked) or now - walked >= timedelta(days=source.full_every_days):
        return source  # nothing may be asked for since a time that a wrong clock put into the future
    return changed_since(source, good[0].started)


def replayed(journal: Journal, source: Source, fetch: Fetch) -> Iterator[Record | Refusal]:
    """Yield what the kept pages tell: those of the last whole walk, and of the windows asked for since, whose newer objects count."""
    windows = list(takewhile(bool, (run.state.get("window") for run in _good(journal, source))))
    met: set[str] = set()
    for asked in [*(replace(source, options={**source.options, "modified_since": window}) for window in windows), source]:
        for item in records(asked, fetch):
            if isinstance(item, Refusal) or not windows:
                yield item
            elif item.id not in met:
                met.add(item.id)
                yield item


def is_window(source: Source) -> bool:
    """Return whether the source is asked only for what changed: then what is missing has not gone, and nothing may be withdrawn."""
    return bool(source.options.get("modified_since"))


def state(source: Source, stamps: Stamps, at: str, *, replay: bool = False) -> dict[str, Any]:
    """Return what a run's state keeps for the turns after it: the window it asked for, or what the stamps of a whole walk are worth.

    A replay asked nobody: no later window may begin at it.
    """
    if replay:
        return {"replay": True}
    if is_window(source):
        return {"window": source.options["modified_since"]}
    return {"stamps": stamps.verdict(at[:10])._asdict()}


def _good(journal: Journal, source: Source) -> list[Run]:
    """Return the newest runs that asked the server and succeeded, newest first."""
    return [run for run in journal.runs(source.name, REMEMBERED) if run.finished and _succeeded(run)]


def _succeeded(run: Run) -> bool:
    return run.whole and not run.state.get("failure") and not run.state.get("replay")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
