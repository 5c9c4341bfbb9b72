"""The walk over one town's pages, the same for each system: lists, rosters, meetings, their items and papers, persons."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from publisher.config import Source
from publisher.fetch import Fetch
from publisher.record import Note, Record, Refusal
from publisher.sources import pages_records as oparl
from publisher.sources.pages_common import base_of, slug
from publisher.sources.pages_records import Place
from publisher.sources.pages_walk import CLOSED, Organizations, Parser, Reader, meeting_record, notes, paper_record

ITEM_FIELDS = ("result", "resolutionText", "minutes", "vote", "paper", "public", "number")

Found = Iterator[Record | Refusal]
Lists = Callable[["Walk"], Iterator[dict[str, Any] | Refusal]]


class System(NamedTuple):
    """What differs between systems: parsers of its pages, how its lists are read, how its addresses end.

    asking: what is added to the address of a page when it is asked for, though not when it is published.
    papers, rosters, meetings: yield the facts of each list page ("paper", "organization", "meetings"), or a Refusal.
    """

    paper: Parser
    agenda: Parser
    item: Parser
    organization: Parser
    person: Parser
    papers: Lists
    rosters: Lists
    meetings: Lists
    ending: str = ".asp"
    asking: str = ""
    headers: dict[str, str] | None = None


class Walk:
    """One walk over one town; holds keys and the few agendas met before their time, never the town."""

    def __init__(self, source: Source, fetch: Fetch, system: System) -> None:
        self.source, self.system = source, system
        self.place = Place(source.jurisdiction, base_of(source.url), system.ending)
        self.reader = Reader(source, fetch, system.headers)
        self.organizations = Organizations(self.place)
        self.dates: dict[str, str] = {}
        self.listed: list[str] = []
        self.stations: dict[str, frozenset[str]] = {}
        self.committees: dict[str, str | None] = {}
        self.waiting: dict[str, bytes] = {}
        self.closed: dict[str, Refusal] = {}
        self.met: set[str] = set()
        self.unkeyed: dict[str, dict[str, Any]] = {}
        self.members: list[dict[str, Any]] = []
        self.rostered: set[str] = set()
        self.loose: list[Note] = []

    def records(self) -> Found:
        """Yield every record; what lists and calendars could not tell is noted with the next record after them."""
        for item in self.all():
            if isinstance(item, Record) and self.loose:
                item = replace(item, notes=item.notes + tuple(self.loose))
                self.loose.clear()
            yield item

    def all(self) -> Found:
        """Yield every record, then what no month led to."""
        title = self.source.title or self.source.publisher or self.source.name
        body = oparl.body_object(self.place, title, self.source.url)
        yield Record("Body", body["id"], self.source.url, body)
        if self.source.options.get("lists", True):
            yield from self.paper_lists()
        yield from self.rosters()
        for facts in self.system.meetings(self):
            yield from [facts] if isinstance(facts, Refusal) else self.month(facts)
        for key in self.listed:
            yield from self.paper(key)
        for key in sorted(self.waiting, key=int):
            yield from self.meeting({"key": key, "agenda": True})
        yield from self.new_organizations()
        for entry in self.unkeyed.values():
            entry["organization"]["key"] = self.organizations.sitting(entry["organization"]["name"])
            yield from self.meeting(entry)
        yield from self.persons()
        yield from self.organizations.records()

    def paper_lists(self) -> Iterator[Refusal]:
        """Note the date of each listed paper."""
        for facts in self.system.papers(self):
            if isinstance(facts, Refusal):
                yield facts
                continue
            self.loose += damage(facts)
            for paper in facts.get("paper", ()):
                if paper["key"] not in self.dates:
                    self.listed.append(paper["key"])
                self.dates.setdefault(paper["key"], paper.get("date", ""))

    def read(self, page: str, id: str, key: str, parser: Parser, cls: str) -> dict[str, Any] | Refusal:
        """Return the facts of the page about one thing; the address asked for may say more than the one published."""
        return self.reader.read(page + self.system.asking, parser, cls, self.place.urn(id, key))

    def rosters(self) -> Found:
        """Yield the organizations that lists name: factions first, for the rosters of committees name them."""
        for facts in self.system.rosters(self):
            if isinstance(facts, Refusal):
                if facts.reason not in CLOSED:
                    yield facts
                continue
            self.loose += damage(facts)
            for organization in facts.get("organization", ()):
                self.organizations.meet(organization | {"url": facts["url"]})
        yield from self.new_organizations()

    def new_organizations(self) -> Found:
        """Yield the organizations met since, each with its roster read: many are found only through an agenda."""
        new = set(self.organizations.known) - self.rostered
        for key in sorted(new, key=lambda key: (not key.startswith("fr-"), key)):
            self.rostered.add(key)
            yield from self.roster(key)
        yield from self.organizations.records()

    def roster(self, key: str) -> Iterator[Refusal]:
        """Read one organization's page into what is known of it, and its members."""
        url = self.place.organization(key)
        facts = self.read(url, "organization", key, self.system.organization, "Organization") if url else None
        if facts is None or isinstance(facts, Refusal):
            if isinstance(facts, Refusal) and facts.reason not in CLOSED:
                yield facts
            return
        self.organizations.known[key] |= {name: facts[name] for name in ("website", "notes", "url") if name in facts}
        for member in facts.get("member", ()):
            self.members.append(member | {"organization": key})
            if key.startswith("fr-") and member.get("function"):
                self.organizations.behalf.setdefault(slug(member["function"].split("(")[0]), set()).add(key)

    def persons(self) -> Found:
        """Yield a Person for each member met, with the memberships of all rosters and of the person's own page."""
        by_person: dict[str, list[dict[str, Any]]] = {}
        for member in self.members:
            by_person.setdefault(member["key"], []).append(member)
        for key in sorted(by_person, key=int):
            rows, about = by_person[key], tuple[Note, ...]()
            url = self.place.page("kp020", "KPLFDNR", key)
            if self.source.options.get("persons", True):
                facts = self.read(url, "person", key, self.system.person, "Person")
                if not isinstance(facts, Refusal):
                    rows, about = joined(rows, facts.get("membership", [])), notes(facts)
                elif facts.reason not in CLOSED:
                    yield facts
            found: dict[str, dict[str, Any]] = {}
            for row in rows:
                if row["organization"] not in self.organizations.known:
                    self.organizations.meet({"key": row["organization"], "name": row.get("name", "")})
                behalf = self.organizations.on_behalf(row.get("function", ""))
                membership = oparl.membership_object(self.place, key, row, behalf)
                found.setdefault(membership["id"], membership)
            obj = oparl.person_object(self.place, key, by_person[key][0]["name"], list(found.values()))
            yield Record("Person", obj["id"], url, obj, notes=about)

    def month(self, facts: dict[str, Any]) -> Found:
        """Yield the meetings of one calendar page."""
        self.loose += damage(facts)
        for entry in facts.get("meetings", ()):
            if entry["key"] not in self.met:
                if not entry["key"].isdigit():  # without a key of its own: told once all committees are known
                    self.unkeyed.setdefault(entry["key"], entry | {"url": facts["url"]})
                else:
                    yield from self.meeting(entry | {"url": facts["url"]})
        yield from self.new_organizations()

    def meeting(self, entry: dict[str, Any]) -> Found:
        """Yield the papers on a meeting's agenda not yet read, then the Meeting; one without public agenda as the calendar tells it."""
        key = entry["key"]
        self.met.add(key)
        facts = self.agenda(key) if entry.get("agenda") else None
        if isinstance(facts, Refusal) and facts.reason not in CLOSED:
            yield facts
            return
        if not isinstance(facts, dict):
            if "url" in entry:
                yield meeting_record(self.place, entry, self.known)
            elif facts is not None:
                yield facts
            return
        self.waiting.pop(key, None)
        yield from self.items(facts)
        for item in facts.get("agendaItem", ()):
            if "paper" in item:
                yield from self.paper(item["paper"])
        if entry.get("cancelled"):
            facts["cancelled"] = True
        yield meeting_record(self.place, facts, self.known)

    def agenda(self, key: str) -> dict[str, Any] | Refusal:
        """Return the facts of a meeting's page, read once; note who sits."""
        if key in self.waiting:
            kept: dict[str, Any] = orjson.loads(zlib.decompress(self.waiting[key]))
            return kept | {"notes": [Note(*note) for note in kept["notes"]]}
        if key in self.closed:
            return self.closed[key]
        facts = self.read(self.place.page("to010", "SILFDNR", key), "meeting", key, self.system.agenda, "Meeting")
        if isinstance(facts, Refusal):
            self.closed[key] = facts
            return facts
        organization = facts.get("organization", {})
        if "key" in organization:
            self.organizations.meet(organization | {"url": facts["url"]})
        self.committees[key] = organization.get("key")
        return facts

    def items(self, facts: dict[str, Any]) -> Iterator[Refusal]:
        """Add to each item what its own page says."""
        for item in facts.get("agendaItem", ()):
            if not item.get("page") or "key" not in item:
                continue
            url = self.place.page("to020", "TOLFDNR", item["key"])
            found = self.read(url, "agendaitem", item["key"], self.system.item, "AgendaItem")
            if isinstance(found, Refusal):
                if found.reason in CLOSED:
                    del item["page"]
                else:
                    yield found
                continue
            item |= {field: found[field] for field in ITEM_FIELDS if field in found and field not in item}
            ours = {file["key"] for file in item.get("file", ())}
            more = [file for file in found.get("file", ()) if file["key"] not in ours]
            if more:
                item["file"] = item.get("file", []) + more
            facts["notes"] = [
                *facts["notes"],
                *(note._replace(path=f"agendaItem.{item['key']}.{note.path}") for note in found["notes"]),
            ]

    def paper(self, key: str) -> Found:
        """Yield the Paper of that key if it has not been yet."""
        if key in self.stations:
            return
        self.stations[key] = frozenset()
        url = self.place.page("vo020", "VOLFDNR", key)
        facts = self.read(url, "paper", key, self.system.paper, "Paper")
        if isinstance(facts, Refusal):
            yield facts
            return
        if self.dates.get(key):
            facts.setdefault("date", self.dates[key])
        record = paper_record(self.place, facts, self.organizations, self.committee)
        links = [station["agendaItem"] for station in record.object.get("consultation", ()) if "agendaItem" in station]
        self.stations[key] = frozenset(link.rsplit("/", 1)[-1] for link in links)
        yield record

    def committee(self, station: dict[str, Any]) -> str | None:
        """Return who sits at a station: told by the meeting's own agenda, else by a name that only one bears."""
        key = station.get("meeting")
        if key and key not in self.committees:
            facts = self.agenda(key)
            if isinstance(facts, dict) and key not in self.met:
                kept = facts | {"lines": None, "notes": [list(note) for note in facts["notes"]]}
                self.waiting[key] = zlib.compress(orjson.dumps(kept), 1)
            elif isinstance(facts, Refusal):
                station.pop("agendaItem", None)
                station.pop("meeting", None)
        if key and (found := self.committees.get(key)):
            return found
        name = station.get("organization", "")
        if not name or self.organizations.ambiguous(name):
            return None
        return self.organizations.named(name)

    def known(self, paper: str, item: str) -> bool:
        """Tell whether the record of a paper lists a station with that agenda item."""
        return item in self.stations.get(paper, ())


def books(source: Source, fetch: Fetch, system: System) -> Iterator[tuple[str, dict[str, Any]] | Refusal]:
    """Yield (address, count of its pieces of text) of each page that the walk reads, and the walk's Refusals; records are thrown away."""
    walk = Walk(source, fetch, system)
    walk.reader.books = []
    for item in walk.records():
        yield from walk.reader.books
        walk.reader.books.clear()
        if isinstance(item, Refusal):
            yield item
    yield from walk.reader.books


def damage(facts: dict[str, Any]) -> list[Note]:
    """Return the notes of a list page on what stands there and could not be read; the rest of its books is `books`'s."""
    return [note for note in facts.get("notes", ()) if note.kind == "damage"]


def joined(rows: list[dict[str, Any]], history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the memberships of the rosters with the days of the person's page, and the former ones it tells of."""
    left = list(history)
    found = []
    for row in rows:
        match = next((old for old in left if (old["organization"], old.get("role")) == (row["organization"], row.get("role"))), None)
        if match:
            left.remove(match)
        found.append(row | {name: match[name] for name in ("startDate", "endDate") if match and name in match})
    seen = {(row["organization"], row.get("role")) for row in found}
    for old in left:
        again = old.get("startDate", "") if (old["organization"], old.get("role")) in seen else ""
        seen.add((old["organization"], old.get("role")))
        found.append(old | {"again": again})
    return found
