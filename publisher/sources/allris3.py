"""Walks a classic ALLRIS: paper lists, committees and factions, then the calendar's months, each agenda with its items and papers."""

from collections.abc import Iterator
from typing import Any

from publisher.config import Source
from publisher.fetch import Fetch
from publisher.record import Refusal
from publisher.sources import allris3_exports as exports
from publisher.sources import allris3_lists as lists
from publisher.sources import allris3_pages as pages
from publisher.sources.options import check_options
from publisher.sources.pages_town import Found, System, Walk
from publisher.sources.pages_town import books as walked_books
from publisher.sources.pages_walk import CLOSED

CALENDARS = ("si010_e", "si010_j", "si010", "si010_a", "si010_r")
ROSTERS = ("pa010.asp", "fr010.asp", "au010.asp")
EMPTY_BEFORE, EMPTY_AFTER = 18, 6

Pages = Iterator[dict[str, Any] | Refusal]


def records(source: Source, fetch: Fetch) -> Found:
    """Yield what a classic ALLRIS holds: Body, Organizations, Persons, Papers, Meetings.

    Options of the source: calendar (page name), since ("2009-01": the first month asked for), lists (false: no vo040), persons (false: no
    kp020), exports (true: the meetings from the undocumented XML export, the calendar only where it fails).
    An agenda met through a paper before its month is kept for then, so each page is asked for once.
    """
    check_options(source)
    yield from Walk(source, fetch, SYSTEM).records()


def books(source: Source, fetch: Fetch) -> Iterator[tuple[str, dict[str, Any]] | Refusal]:
    """Yield the count of each page's pieces of text: total = used + withheld + boilerplate by rule + unmapped."""
    yield from walked_books(source, fetch, SYSTEM)


def page_of(html: bytes | str, url: str) -> dict[str, Any]:
    """Return the facts of any classic ALLRIS page by the name in its address. Raises Malformed, KeyError for a page of no interest."""
    name = url.split("?")[0].rsplit("/", 1)[-1].lower()
    return PARSERS[name[:5]](html, url)


PARSERS = {
    "vo020": pages.paper, "to010": pages.agenda, "to020": pages.item, "vo040": lists.papers, "si010": lists.calendar,
    "si018": lists.meetings, "au010": lists.organizations, "fr010": lists.organizations, "pa010": lists.organizations,
    "au020": lists.organization, "fr020": lists.organization, "pa020": lists.organization, "pa021": lists.organization,
    "kp020": lists.person,
}  # fmt: skip


def listed_papers(walk: Walk) -> Pages:
    """Yield the pages of vo040. The server turns the page by a state it keeps, so a page that comes back is an end."""
    url, at = f"{walk.place.base}vo040.asp", 1
    while True:
        facts = walk.reader.read(url, lists.papers)
        if isinstance(facts, Refusal):
            if at > 1 or facts.reason not in CLOSED:
                yield facts
            return
        keys = [paper["key"] for paper in facts.get("paper", ())]
        if keys and at > 1 and all(key in walk.dates for key in keys):
            yield Refusal(url, f"expected page {at} of the list, got one already read")
            return
        yield facts
        if not keys or "next" not in facts:
            return
        at += 1
        url = f"{facts['next']}&seite={at}"  # the server ignores it; it only tells one page from the next in the page cache


def rosters(walk: Walk) -> Pages:
    """Yield councils, factions, committees."""
    for page in ROSTERS:
        yield walk.reader.read(walk.place.base + page, lists.organizations)


def months(walk: Walk) -> Pages:
    """Yield the meetings of each month, from the present one back to the first and then onwards."""
    if walk.source.options.get("exports"):
        facts = walk.reader.read(f"{walk.place.base}si010.asp?{exports.QUERY}&showall=true", exports.meetings)
        if isinstance(facts, dict) and facts["meetings"]:
            yield facts
            return
    calendar, now = present(walk)
    yield now
    if isinstance(now, Refusal):
        return
    since = str(walk.source.options.get("since", "1990-01"))
    for step, patience in ((-1, EMPTY_BEFORE), (1, EMPTY_AFTER)):
        month, empty = now["month"], 0
        while empty < patience and (step > 0 or month > since):
            month = moved(month, step)
            url = f"{walk.place.base}{calendar}.asp?MM={int(month[5:])}&YY={month[:4]}"
            facts = walk.reader.read(url, lists.calendar)
            if isinstance(facts, dict) and facts["month"] != month:
                facts = Refusal(url, f"expected the month {month}, got {facts['month']}")
            yield facts
            if isinstance(facts, Refusal):
                break
            empty = 0 if facts.get("meetings") else empty + 1


def present(walk: Walk) -> tuple[str, dict[str, Any] | Refusal]:
    """Return the name and the present month of the first calendar page that is open."""
    names = [str(walk.source.options["calendar"])] if "calendar" in walk.source.options else list(CALENDARS)
    first: Refusal | None = None
    for name in names:
        facts = walk.reader.read(f"{walk.place.base}{name}.asp", lists.calendar)
        if isinstance(facts, dict):
            return name, facts
        first = first or facts
    return names[0], Refusal(f"{walk.place.base}{names[0]}.asp", f"no calendar is open: {first.reason if first else ''}")


def moved(month: str, step: int) -> str:
    """Return the month before or after: ("2023-01", -1) -> "2022-12"."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + step
    return f"{count // 12}-{count % 12 + 1:02d}"


SYSTEM = System(pages.paper, pages.agenda, pages.item, lists.organization, lists.person, listed_papers, rosters, months)
