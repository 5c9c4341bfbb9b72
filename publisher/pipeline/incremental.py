"""Whether a harvest asks for everything or only for what changed, told by the runs before it."""

from datetime import datetime, timedelta
from typing import Any

from publisher.config import Source
from publisher.journal import Journal, Run
from publisher.sources.stamps import Stamps, changed_since

REMEMBERED = 100


def turn(journal: Journal, source: Source, at: str) -> Source:
    """Return the source as the harvest at `at` should ask it: as it is, or with `modified_since` where that can be trusted.

    Only what changed is asked for if the last whole walk is younger than `full_every_days` and found stamps that can be trusted. The
    window begins at the last run that succeeded, whole or not, so that a failed one leaves no gap.
    """
    if source.kind != "oparl" or source.options.get("modified_since"):
        return source
    good = [run for run in journal.runs(source.name, REMEMBERED) if run.finished and _succeeded(run)]
    whole = next((run for run in good if not run.state.get("window")), None)
    if whole is None or not whole.state.get("stamps", {}).get("trustworthy"):
        return source
    if _moment(at) - _moment(whole.started) >= timedelta(days=source.full_every_days):
        return source
    return changed_since(source, good[0].started)


def is_window(source: Source) -> bool:
    """Return whether the source is asked only for what changed: then what is missing has not gone, and nothing may be withdrawn."""
    return bool(source.options.get("modified_since"))


def state(source: Source, stamps: Stamps, at: str) -> dict[str, Any]:
    """Return what a run's state keeps for the turns after it: the window it asked for, or what the stamps of a whole walk are worth."""
    if is_window(source):
        return {"window": source.options["modified_since"]}
    return {"stamps": stamps.verdict(at[:10])._asdict()}


def _succeeded(run: Run) -> bool:
    return run.whole and not run.state.get("failure")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
