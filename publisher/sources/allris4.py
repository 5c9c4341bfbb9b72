"""Walks an ALLRIS 4: the lists that Wicket sends piece by piece, then each agenda with its items and papers, whose pages need no state."""

from collections.abc import Iterator
from typing import Any

from publisher.config import Source
from publisher.fetch import Fetch
from publisher.record import Refusal
from publisher.sources import allris4_lists as lists
from publisher.sources import allris4_pages as pages
from publisher.sources.options import check_options
from publisher.sources.pages_town import Found, System, Walk
from publisher.sources.pages_town import books as walked_books
from publisher.sources.pages_walk import CLOSED, Parser

GERMAN = {"Accept-Language": "de-DE,de;q=0.9"}
MOST_PAGES = 2_000

Pages = Iterator[dict[str, Any] | Refusal]


def records(source: Source, fetch: Fetch) -> Found:
    """Yield what an ALLRIS 4 holds: Body, Organizations, Persons, Papers, Meetings.

    Every page is asked for in German: dates come in English otherwise. Options of the source: meetings (name of the list page, "si018"),
    ending (of the pages' names, "_r.asp"), papers (true: the list vo040 is open), persons (false: no kp020).
    """
    check_options(source)
    yield from Walk(source, fetch, system_of(source)).records()


def system_of(source: Source) -> System:
    """Return the system with the ending of its pages: none, or "_r.asp" in the first towns that had these pages."""
    return SYSTEM._replace(ending=str(source.options.get("ending", "")))


def books(source: Source, fetch: Fetch) -> Iterator[tuple[str, dict[str, Any]] | Refusal]:
    """Yield the count of each page's pieces of text: total = used + withheld + boilerplate by rule + unmapped."""
    yield from walked_books(source, fetch, system_of(source))


def page_of(html: bytes | str, url: str) -> dict[str, Any]:
    """Return the facts of any ALLRIS 4 page by the name in its address. Raises Malformed, KeyError for a page of no interest."""
    return PARSERS[url.split("?")[0].rsplit("/", 1)[-1].lower()[:5]](html, url)


PARSERS: dict[str, Parser] = {
    "vo020": pages.paper, "to010": pages.agenda, "to020": pages.item, "si018": lists.meetings, "si010": lists.meetings,
    "gr010": lists.organizations, "gr020": lists.organization, "kp020": lists.person, "vo040": lists.papers,
}  # fmt: skip


def listed(walk: Walk, name: str, parser: Parser) -> Pages:
    """Yield the pages of a list: what the page shows itself, or the pieces it has fetched, one page after the other.

    A page that brings nothing new is the end: Wicket answers an address that is out of date with the page it shows.
    """
    base = walk.place.base
    first = walk.reader.read(f"{base}{name}{walk.system.ending}", lists.shell(parser))
    if isinstance(first, Refusal) or first["kind"] != "shell":
        yield first
        return
    url = first["next"]
    ajax = {**GERMAN, "Wicket-Ajax": "true", "Wicket-Ajax-BaseURL": name, "Accept": "text/xml"}
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        facts = walk.reader.read(url, parser, headers=ajax)
        if isinstance(facts, Refusal):
            yield facts
            return
        keys = {row["key"] for name in ("meetings", "organization", "paper") for row in facts.get(name, ())}
        if not keys - seen:
            return
        seen |= keys
        yield facts
        if "next" not in facts or facts["next"] == url:
            return
        url = facts["next"]
    yield Refusal(f"{base}{name}", f"expected an end of the list within {MOST_PAGES} pages")


def meetings(walk: Walk) -> Pages:
    """Yield the list of all meetings; where it is closed, the present month of the calendar, and the list's Refusal with it."""
    name = str(walk.source.options.get("meetings", "si018"))
    found = 0
    for facts in listed(walk, name, lists.meetings):
        found += isinstance(facts, dict) and bool(facts.get("meetings"))
        yield facts
    if not found:
        yield from listed(walk, "si010", lists.meetings)


def rosters(walk: Walk) -> Pages:
    """Yield the committees, factions and councils, which ALLRIS 4 has in one list."""
    yield from listed(walk, "gr010", lists.organizations)


def papers(walk: Walk) -> Pages:
    """Yield the list of papers where the source's options say papers = true; most towns keep it behind a search."""
    if not walk.source.options.get("papers"):
        return
    for facts in listed(walk, "vo040", lists.papers):
        if isinstance(facts, dict) or facts.reason not in CLOSED:
            yield facts


SYSTEM = System(
    pages.paper, pages.agenda, pages.item, lists.organization, lists.person, papers, rosters, meetings,
    ending="", asking="&refresh=false", headers=GERMAN,
)  # fmt: skip
