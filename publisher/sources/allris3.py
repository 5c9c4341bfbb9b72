"""Walks a classic ALLRIS: lists, committees and factions, then the calendar's months, each agenda with its items and papers."""

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from publisher.config import Source
from publisher.fetch import Fetch
from publisher.record import Note, Record, Refusal
from publisher.sources import allris3_exports as exports
from publisher.sources import allris3_lists as lists
from publisher.sources import allris3_pages as pages
from publisher.sources import pages_records as oparl
from publisher.sources.pages_common import base_of, slug
from publisher.sources.pages_records import Place
from publisher.sources.pages_walk import Organizations, Reader, meeting_record, notes, paper_record

CALENDARS = ("si010_e", "si010_j", "si010", "si010_a", "si010_r")
ROSTERS = ("pa010.asp", "fr010.asp", "au010.asp")
EMPTY_BEFORE, EMPTY_AFTER = 18, 6
ITEM_FIELDS = ("result", "resolutionText", "minutes", "vote", "paper", "public", "number")

Found = Iterator[Record | Refusal]


def records(source: Source, fetch: Fetch) -> Found:
    """Yield what a classic ALLRIS holds: Body, Organizations, Persons, Papers, Meetings.

    Options of the source: calendar (page name), since ("2009-01": the first month asked for), lists (false: no vo040), persons (false: no
    kp020), exports (true: the meetings from the undocumented XML export, the calendar only where it fails).
    An agenda met through a paper before its month is kept for then, so each page is asked for once.
    """
    yield from Walk(source, fetch).records()


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


class Walk:
    """One walk over one town; holds keys and the few agendas met before their time, never the town."""

    def __init__(self, source: Source, fetch: Fetch) -> None:
        self.source = source
        self.place = Place(source.jurisdiction, base_of(source.url))
        self.reader = Reader(source, fetch)
        self.organizations = Organizations(self.place)
        self.dates: dict[str, str] = {}
        self.listed: list[str] = []
        self.stations: dict[str, frozenset[str]] = {}
        self.committees: dict[str, str | None] = {}
        self.waiting: dict[str, bytes] = {}
        self.closed: dict[str, Refusal] = {}
        self.met: set[str] = set()
        self.members: list[dict[str, Any]] = []
        self.rostered: set[str] = set()

    def records(self) -> Found:
        """Yield every record, then what no month led to."""
        title = self.source.title or self.source.publisher or self.source.name
        body = oparl.body_object(self.place, title, self.source.url)
        yield Record("Body", body["id"], self.source.url, body)
        if self.source.options.get("lists", True):
            yield from self.paper_lists()
        yield from self.rosters()
        yield from self.months()
        for key in self.listed:
            yield from self.paper(key)
        for key in sorted(self.waiting, key=int):
            yield from self.meeting({"key": key, "agenda": True})
        yield from self.new_organizations()
        yield from self.persons()

    def paper_lists(self) -> Iterator[Refusal]:
        """Note the date of each listed paper. The server turns the page by a state it keeps, so a page that comes back is an end."""
        url, at = f"{self.place.base}vo040.asp", 1
        while True:
            facts = self.reader.read(url, lists.papers)
            if isinstance(facts, Refusal):
                if at > 1 or facts.reason != "not public":
                    yield facts
                return
            keys = [paper["key"] for paper in facts.get("paper", ())]
            if not keys:
                return
            if all(key in self.dates for key in keys) and at > 1:
                yield Refusal(url, f"expected page {at} of the list, got one already read")
                return
            for paper in facts["paper"]:
                self.dates.setdefault(paper["key"], paper.get("date", ""))
            self.listed += [key for key in keys if key not in self.listed[-200:]]
            if "next" not in facts:
                return
            at += 1
            url = f"{facts['next']}&seite={at}"  # the server ignores it; it only tells one page from the next in the page cache

    def rosters(self) -> Found:
        """Yield the organizations that lists name: factions first, for the rosters of committees name them."""
        for page in ROSTERS:
            facts = self.reader.read(self.place.base + page, lists.organizations)
            if isinstance(facts, Refusal):
                if facts.reason not in ("not public", "no information"):
                    yield facts
                continue
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
        facts = self.reader.read(url, lists.organization, "Organization", self.place.urn("organization", key)) if url else None
        if facts is None or isinstance(facts, Refusal):
            if isinstance(facts, Refusal) and facts.reason not in ("not public", "no information"):
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
                facts = self.reader.read(url, lists.person, "Person", self.place.urn("person", key))
                if not isinstance(facts, Refusal):
                    rows, about = joined(rows, facts.get("membership", [])), notes(facts)
                elif facts.reason not in ("not public", "no information"):
                    yield facts
            found: dict[str, dict[str, Any]] = {}
            for row in rows:
                behalf = self.organizations.on_behalf(row.get("function", ""))
                membership = oparl.membership_object(self.place, key, row, behalf)
                found.setdefault(membership["id"], membership)
            obj = oparl.person_object(self.place, key, by_person[key][0]["name"], list(found.values()))
            yield Record("Person", obj["id"], url, obj, notes=about)

    def months(self) -> Found:
        """Yield the meetings of each month, from the present one back to the first and then onwards."""
        if self.source.options.get("exports"):
            facts = self.reader.read(f"{self.place.base}si010.asp?{exports.QUERY}&showall=true", exports.meetings)
            if isinstance(facts, dict) and facts["meetings"]:
                yield from self.month(facts)
                return
        calendar, now = self.calendar()
        if isinstance(now, Refusal):
            yield now
            return
        yield from self.month(now)
        since = str(self.source.options.get("since", "1990-01"))
        for step, patience in ((-1, EMPTY_BEFORE), (1, EMPTY_AFTER)):
            month, empty = now["month"], 0
            while empty < patience and (step > 0 or month > since):
                month = moved(month, step)
                url = f"{self.place.base}{calendar}.asp?MM={int(month[5:])}&YY={month[:4]}"
                facts = self.reader.read(url, lists.calendar)
                if isinstance(facts, dict) and facts["month"] != month:
                    facts = Refusal(url, f"expected the month {month}, got {facts['month']}")
                if isinstance(facts, Refusal):
                    yield facts
                    break
                empty = 0 if facts.get("meetings") else empty + 1
                yield from self.month(facts)

    def calendar(self) -> tuple[str, dict[str, Any] | Refusal]:
        """Return the name and the present month of the first calendar page that is open."""
        names = [str(self.source.options["calendar"])] if "calendar" in self.source.options else list(CALENDARS)
        first: Refusal | None = None
        for name in names:
            facts = self.reader.read(f"{self.place.base}{name}.asp", lists.calendar)
            if isinstance(facts, dict):
                return name, facts
            first = first or facts
        return names[0], Refusal(self.place.base + names[0] + ".asp", f"no calendar is open: {first.reason if first else ''}")

    def month(self, facts: dict[str, Any]) -> Found:
        """Yield the meetings of one calendar page."""
        for entry in facts.get("meetings", ()):
            if entry["key"] not in self.met:
                yield from self.meeting(entry | {"url": facts["url"]})
        yield from self.new_organizations()

    def meeting(self, entry: dict[str, Any]) -> Found:
        """Yield the papers on a meeting's agenda not yet read, then the Meeting; one without public agenda as the calendar tells it."""
        key = entry["key"]
        self.met.add(key)
        facts = self.agenda(key) if entry.get("agenda") else None
        if isinstance(facts, Refusal) and facts.reason not in ("not public", "no information"):
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
        facts = self.reader.read(self.place.page("to010", "SILFDNR", key), pages.agenda, "Meeting", self.place.urn("meeting", key))
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
            found = self.reader.read(url, pages.item, "AgendaItem", self.place.urn("agendaitem", item["key"]))
            if isinstance(found, Refusal):
                if found.reason in ("not public", "no information"):
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
        facts = self.reader.read(url, pages.paper, "Paper", self.place.urn("paper", key))
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


def moved(month: str, step: int) -> str:
    """Return the month before or after: ("2023-01", -1) -> "2022-12"."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + step
    return f"{count // 12}-{count % 12 + 1:02d}"


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
