"""What walkers over council pages share: one page read and judged, the organizations met so far, papers and meetings made into records."""

from collections.abc import Callable, Iterator
from typing import Any

from publisher.config import Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Fetch, Page
from publisher.record import Note, Record, Refusal
from publisher.sources import pages_records as oparl
from publisher.sources.pages_common import slug
from publisher.sources.pages_records import Place

Parser = Callable[[bytes | str, str], dict[str, Any]]
ABSENT = "no such page"
CLOSED = ("not public", "no information", ABSENT)
GONE = (404, 410)
BUSY, BUSY_LIMIT = "busy", 3


class Reader:
    """Fetches pages for one walk and says of each what it holds, or why not; lives as long as the walk."""

    def __init__(self, source: Source, fetch: Fetch, headers: dict[str, str] | None = None) -> None:
        self.source, self.fetch, self.headers = source, fetch, headers or {}
        self.busy = 0
        self.books: list[tuple[str, dict[str, Any]]] | None = None  # of each page read, if somebody wants them

    def read(
        self, url: str, parser: Parser, cls: str = "", id: str = "", *, headers: dict[str, str] | None = None
    ) -> dict[str, Any] | Refusal:
        """Return the facts of a page, or a Refusal that says why there are none.

        A page that is busy, garbled or cut is asked for again by `fetch`; one that is closed is not. Raises Unreachable when the
        server goes on saying that it is asked too often: going on would refuse the whole town.
        """
        found: list[dict[str, Any] | Refusal] = []

        def judged(page: Page) -> dict[str, Any] | Refusal:
            if page.status in GONE:
                return Refusal(url, ABSENT, cls, id)
            try:
                if "noauth" in page.url.lower():
                    raise Malformed(url, CLOSED[0])
                return parser(page.body, url) | {"url": url}
            except Malformed as error:
                if error.expected in CLOSED:
                    return Refusal(url, error.expected, cls, id)
                raise

        try:
            page = self.fetch(url, headers=headers or self.headers, statuses=GONE, check=lambda page: found.append(judged(page)))
            self.busy = 0
            facts = found[-1] if found else judged(page)
            if self.books is not None and isinstance(facts, dict) and "lines" in facts:
                self.books.append((url, facts["lines"]))
            return facts
        except Malformed as error:
            self.busy += error.expected == BUSY
            if self.busy >= BUSY_LIMIT:
                raise Unreachable(
                    self.source.name, url, f"a page; {self.busy} pages in a row say that the server is asked too often"
                ) from error
            busy = "a page, the server says that it is asked too often"
            return Refusal(url, f"expected {busy if error.expected == BUSY else error.expected}", cls, id)
        except Unreachable as error:
            return Refusal(url, f"expected {error.expected.removeprefix('expected ')}", cls, id)


class Organizations:
    """The organizations met so far, by key and by name; each becomes one record."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.known: dict[str, dict[str, Any]] = {}
        self.by_name: dict[str, set[str]] = {}
        self.behalf: dict[str, set[str]] = {}
        self.told: set[str] = set()

    def meet(self, facts: dict[str, Any]) -> str:
        """Take note of an organization and return its key; what is known of it already stays."""
        key: str = facts["key"]
        self.known[key] = facts | self.known.get(key, {})
        self.by_name.setdefault(slug(facts.get("name", "")), set()).add(key)
        return key

    def called(self, name: str) -> str | None:
        """Return the key of the one organization of that name; None if none or several bear it."""
        keys = self.by_name.get(slug(name), set()) if name else set()
        return next(iter(keys)) if len(keys) == 1 else None

    def sitting(self, name: str) -> str | None:
        """Return the key of the one organization that a title names in the nominative or the genitive: "Bauausschusses", "Rates"."""
        return next(filter(None, (self.called(name.removesuffix(end)) for end in ("", "s", "es"))), None)

    def ambiguous(self, name: str) -> bool:
        """Tell whether several organizations bear that name: committees of two terms often do."""
        return len(self.by_name.get(slug(name), ())) > 1

    def named(self, name: str, kind: str | None = None) -> str:
        """Return the key of the one organization of that name, or of a new one known by nothing but its name."""
        return self.called(name) or self.meet(oparl.named_organization(name, kind) | {"web": self.place.base})

    def on_behalf(self, function: str) -> str | None:
        """Return the faction that a roster's column names: by its own name, or because only that faction's roster says it."""
        word = slug(function.split("(")[0])
        faction = self.called(function.split("(")[0])
        keys = self.behalf.get(word, set())
        return faction if faction and faction.startswith("fr-") else next(iter(keys)) if len(keys) == 1 else None

    def records(self) -> Iterator[Record]:
        """Yield the records of those not yet yielded, in the order of their keys."""
        for key in sorted(set(self.known) - self.told):
            self.told.add(key)
            facts = self.known[key]
            obj = oparl.organization_object(self.place, facts)
            yield Record("Organization", obj["id"], facts.get("url") or facts.get("web") or self.place.base, obj, notes=notes(facts))


def notes(facts: dict[str, Any]) -> tuple[Note, ...]:
    """Return the notes of a page's facts."""
    return tuple(facts.get("notes", ()))


OFFICE = "Verwaltungsbereich"
ROLES = {"underDirectionOf": OFFICE, "involved": OFFICE, "originator": None}


def paper_record(
    place: Place, facts: dict[str, Any], organizations: Organizations, committee: Callable[[dict[str, Any]], str | None]
) -> Record:
    """Return the record of a paper; `committee`(station) tells who sits there."""
    roles = {
        role: list(dict.fromkeys(organizations.named(name, kind) for name in facts.get(role, ()) if slug(name)))
        for role, kind in ROLES.items()
    }
    consultations: dict[str, dict[str, Any]] = {}
    more: list[Note] = []
    for station in facts.get("consultation", ()):
        obj = oparl.consultation_object(place, facts["key"], station, committee(station))
        if obj["id"] in consultations:
            more.append(Note("damage", "same station twice", "consultation"))
        consultations.setdefault(obj["id"], obj)
    obj = oparl.paper_object(place, facts, roles, list(consultations.values()))
    return Record("Paper", obj["id"], facts["url"], obj, notes=notes(facts) + tuple(more))


def meeting_record(place: Place, facts: dict[str, Any], known: Callable[[str, str], bool]) -> Record:
    """Return the record of a meeting with its items; `known`(paper, item) tells whether that paper lists that item."""
    items: list[dict[str, Any]] = []
    more: list[Note] = []
    for at, entry in enumerate(facts.get("agendaItem", ())):
        obj = oparl.agenda_item_object(place, facts["key"], at, entry, known)
        if obj is None:
            more.append(Note("unmapped", "item without key and number", f"agendaItem.{at}"))
        elif any(obj["id"] == other["id"] for other in items):
            more.append(Note("damage", "same item twice", f"agendaItem.{at}"))
        else:
            items.append(obj)
    obj = oparl.meeting_object(place, facts, items)
    return Record("Meeting", obj["id"], facts["url"], obj, notes=notes(facts) + tuple(more))
