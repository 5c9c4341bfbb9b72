"""Whether a server's `modified` can be trusted for asking only what changed, and how to ask for it."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from publisher.config import Source
from publisher.record import Record

SHARE = 0.5
OVERLAP = timedelta(days=1)


class Verdict(NamedTuple):
    """trustworthy: `modified_since` may be used. words: what is wrong with the stamps, "" if nothing is."""

    trustworthy: bool
    words: str


class Stamps:
    """Counts the stamps of a walk's records as the server sent them, before any repair."""

    def __init__(self) -> None:
        self._days: Counter[str] = Counter()
        self._moments: Counter[str] = Counter()
        self.total = 0

    def add(self, record: Record) -> None:
        """Count one record; Systems and Bodies are too few to tell anything."""
        if record.type in ("System", "Body"):
            return
        self.total += 1
        modified = (record.raw or record.object).get("modified")
        if isinstance(modified, str) and modified:
            self._days[modified[:10]] += 1
            if len(self._moments) < 1000 or modified in self._moments:
                self._moments[modified] += 1

    def verdict(self, today: str) -> Verdict:
        """Return the verdict; `today` is the day of the walk, "2031-05-02".

        Worthless are stamps that are missing, all alike (ALLRIS 4: 2000-01-01) or of the day of the answer (more! rubin). A bulk
        restamp (SessionNet, Karlsruhe: 12,228 of 14,004 papers on 2025-03-03) is named, but later changes still show.
        """
        stamped = self._days.total()
        if self.total < 20:
            return Verdict(False, "too few objects to judge the stamps")
        if stamped < self.total * (1 - SHARE):
            return Verdict(False, f"{self.total - stamped} of {self.total} objects have no modified")
        moment, alike = self._moments.most_common(1)[0]
        if alike > stamped * 0.9:
            return Verdict(False, f"{alike} of {self.total} objects were all modified at {moment}")
        day, count = self._days.most_common(1)[0]
        if count > stamped * 0.9 and day == today:
            return Verdict(False, f"{count} of {self.total} objects claim to be modified today")
        if count > stamped * SHARE:
            return Verdict(True, f"bulk restamp: {count} of {self.total} objects were modified on {day}")
        return Verdict(True, "")


def changed_since(source: Source, moment: str) -> Source:
    """Return the source asked only for what changed since a walk begun at `moment` (RFC 3339), with a day's overlap for clocks that differ.

    Such a walk is never whole: what is missing from it has not gone.
    """
    since = (datetime.fromisoformat(moment) - OVERLAP).isoformat(timespec="seconds")
    return replace(source, options={**source.options, "modified_since": since})
