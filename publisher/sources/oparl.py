"""A live OParl server, 1.0 or 1.1: from its System over the Bodies through every list, along links.next."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from publisher.config import Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Fetch, Page
from publisher.record import Note, Record, Refusal
from publisher.sources.addresses import joined
from publisher.sources.links import linked
from publisher.sources.oparl_page import Listed, Origin, json_of, listed, readdressed, record, type_of
from publisher.sources.options import check_options
from publisher.sources.private import Addresses
from publisher.sources.repairs import dialect_of
from publisher.sources.seen import Seen

OWN_LISTS = ("organization", "person", "meeting", "paper")
PART_LISTS = ("agendaItem", "consultation", "file", "locationList", "membership", "legislativeTermList")
MOST_FAILURES = 3
MOST_STALE = 3  # one page that tells nothing new may come from objects added while we read
SAMPLE = 3
STAMP = re.compile(r"([?&])modified_since=([^&]*)")
log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What a page lists, where it was read, and what had to be done to read it."""

    listed: Listed
    url: str
    notes: tuple[Note, ...] = ()


def records(source: Source, fetch: Fetch) -> Iterator[Record | Refusal]:
    """Yield a Record for each System, Body and object of their lists; a list that breaks off is a Refusal without an id.

    Objects of the 1.1 lists agendaItem, consultation, file, location, membership and legislativeTerm come only if no other object
    embeds them. The server's odd ways are logged with their address. Raises Unreachable or Malformed if the source's first page does
    not answer or is no OParl, Misconfigured for a wrong option; `publisher.sources.options` tells what the options do.
    """
    check_options(source)
    walk = Walk(source, fetch)
    entry = walk.answer(source.url)
    yield from walk.entry(entry)
    for key in OWN_LISTS + (PART_LISTS if source.options.get("parts", True) else ()):
        for body in walk.bodies:
            if body.get(key):
                walk.owner = body["id"]
                yield from walk.values(body[key], entry.url, parts=key in PART_LISTS)
    walk.owner = ""
    if source.options.get("fetch_linked"):
        yield from walk.unlisted()


class Walk:
    """The state of one walk: what was met, the bodies found, the one whose lists are read, links whose objects were not met yet."""

    def __init__(self, source: Source, fetch: Fetch) -> None:
        self._options, self._fetch = source.options, fetch
        self._query = query(source.options)
        self._seen = Seen()
        self._addresses = Addresses(source)
        self._linked: dict[str, None] = {}
        self._origin = Origin("", dialect=str(source.options.get("dialect", "")), files=source.options.get("files", {}))
        self.bodies: list[dict[str, Any]] = []
        self.owner = ""

    def entry(self, entry: Answer) -> Iterator[Record | Refusal]:
        """Yield the Systems or Bodies of the first page, and each System's Bodies."""
        objects = [obj for obj in entry.listed.objects if isinstance(obj, dict)]
        kinds = [type_of(obj) for obj in objects]
        if "System" not in kinds and "Body" not in kinds:
            raise Malformed(entry.url, f"expected an OParl System or Body, got {', '.join(filter(None, kinds)) or 'neither'}")
        if not self._origin.dialect:
            self._origin = self._origin._replace(dialect=next(filter(None, map(dialect_of, objects)), ""))
        for obj in objects:
            yield from self.taken(obj, entry)
            if type_of(obj) == "System" and obj.get("body"):
                self._know_body_list(obj["body"], len(objects) == 1)
                yield from self.values(obj["body"], entry.url, plain=True)

    def _know_body_list(self, url: Any, only: bool) -> None:
        if only and isinstance(url, str):
            self._origin = self._origin._replace(body_list=url)

    def values(self, value: Any, base: str, *, parts: bool = False, plain: bool = False) -> Iterator[Record | Refusal]:
        """Yield the objects of a list given as its URL, or (against the specification) as an array of objects or URLs."""
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield from self.list_of(joined(base, item), parts=parts, plain=plain)
            else:
                yield from self.taken(item, Answer(listed(item), base))

    def answer(self, url: str) -> Answer:
        """Return what the server answers. Raises Unreachable, Malformed."""
        window = "modified_since=" in url and self._origin.dialect == "sternberg"
        parsed: list[tuple[Any, tuple[Note, ...]]] = []
        served = moved(url, self._options.get("served", {}))
        page = self._fetch(served, check=lambda page: parsed.append(self._json(page)), statuses=(400, 404) if window else ())
        if window and page.status != 200:
            return Answer(Listed([]), page.url)  # SD.NET answers code 802 where nothing changed in the window
        told, notes = parsed[-1] if parsed else self._json(page)
        return Answer(listed(told), url if page.url == served else page.url, notes)

    def _json(self, page: Page) -> tuple[Any, tuple[Note, ...]]:
        if page.status != 200:
            return None, ()
        body, moves = readdressed(page.body, self._options.get("same", {}))
        told, notes = json_of(body, page.url)
        return told, notes + moves

    def list_of(self, url: str, *, parts: bool = False, plain: bool = False) -> Iterator[Record | Refusal]:
        """Yield the objects of one list along its pages; the walk ends whatever the pages say."""
        query = "" if plain else self._query
        url, asked, met, before = with_query(url, query), set[str](), set[str](), None
        failures = stale = news = 0
        while url and url not in asked:
            asked.add(url)
            try:
                answer = self.answer(url)
            except (Unreachable, Malformed) as error:
                failures += 1
                yield Refusal(url, f"a page of this list is missing: {error.expected}")
                url = page_after(url, before) if failures < MOST_FAILURES else ""
                continue
            ids = {str(obj.get("id")) for obj in answer.listed.objects if isinstance(obj, dict)}
            stale = stale + 1 if ids and ids <= met else 0
            if stale == MOST_STALE:
                log.warning("%s: the list repeats itself; it is taken to end here", url)
                return
            met |= ids
            for item in self._page(answer):
                news += 1
                yield item
            if parts and len(asked) == SAMPLE and not news and self._embedded_throughout(answer):
                log.info("%s: the list holds only what other objects embed; not read further", url)
                return
            before = answer
            url = self._next(url, answer, query)
        if url:
            log.warning("%s: links.next leads back to a page already read", url)
        if before and not failures and len(met) < before.listed.total:
            log.warning("%s: the list announces %d objects, %d came", before.url, before.listed.total, len(met))

    def _embedded_throughout(self, answer: Answer) -> bool:
        """Return whether the last page of a list of parts, as the first ones, tells nothing new (ALLRIS 4: thousands of pages of ten)."""
        if self._options.get("parts") or not answer.listed.last:
            return False
        try:
            last = self.answer(joined(answer.url, answer.listed.last))
        except (Unreachable, Malformed):
            return False
        return all(self._seen.repeats(self._record(obj, last, ())) for obj in last.listed.objects)

    def _page(self, answer: Answer) -> Iterator[Record | Refusal]:
        notes = answer.notes
        for obj in answer.listed.objects:
            yield from self.taken(obj, answer, notes)
            notes = ()

    def _record(self, obj: Any, answer: Answer, notes: tuple[Note, ...]) -> Record | Refusal:
        return record(obj, self._origin._replace(place=answer.url, self_url=answer.listed.self, notes=notes, owner=self.owner))

    def _next(self, url: str, answer: Answer, query: str) -> str:
        """Return the next page: links.next with the filters it lost; by number where the page counts say that one is missing."""
        told = answer.listed.next
        if told and (following := with_query(joined(answer.url, told), query)) != url:
            if following != joined(answer.url, told):
                log.warning("%s: links.next has lost the filter; it is put back", url)
            return following
        following = page_after(url, answer)
        if following:
            log.warning("%s: links.next is missing or points at itself on page %d of %d", url, answer.listed.page, answer.listed.pages)
        return following

    def taken(self, obj: Any, answer: Answer, notes: tuple[Note, ...] = ()) -> Iterator[Record | Refusal]:
        """Yield the object's Record or Refusal if it has not come before."""
        item = self._record(obj, answer, notes)
        if isinstance(item, Record) and item.type == "Body" and item.id not in self._seen:
            wanted = self._options.get("bodies", ())
            if not wanted or item.id in wanted:
                self.bodies.append(item.object)
            self._origin = self._origin._replace(body="" if self._origin.body else item.id)
        if isinstance(item, Record) and item.type == "Person":
            self._addresses.meet(item.object)
        for once in self._seen.once(self._addresses.bare(item) if isinstance(item, Record) else item, answer.url):
            yield once
            if isinstance(once, Record) and self._options.get("fetch_linked"):
                self._linked.update(dict.fromkeys(url for url in linked(once.type, once.object) if url not in self._addresses))

    def unlisted(self) -> Iterator[Record | Refusal]:
        """Yield objects that are linked, stand in no list, and answer under their own id (SD.NET: rooms), but for
        addresses of persons that are withheld."""
        while todo := [url for url in self._linked if url not in self._seen and not self._seen.embeds(url)]:
            self._linked = {}
            for url in todo:
                try:
                    answer = self.answer(url)
                except (Unreachable, Malformed) as error:
                    log.warning("%s: linked, but in no list and not to be had: %s", url, error.expected)
                    continue
                for obj in answer.listed.objects:  # SD.NET answers a membership's link with an array
                    yield from self.taken(obj, answer, answer.notes)


def query(options: Mapping[str, Any]) -> str:
    """Return what is asked of every list. Colons stay as they are, for SessionNet refuses "%3A"; only "+" must be escaped."""
    asked = [f"limit={options['limit']:d}"] if options.get("limit") else []
    asked += ["omit_internal=true"] if options.get("omit_internal") else []
    asked += ["modified_since=" + str(options["modified_since"]).replace("+", "%2B")] if options.get("modified_since") else []
    return "&".join(asked)


def with_query(url: str, asked: str) -> str:
    """Return `url` with each parameter of `asked` that it does not have yet; the very time asked for stands as we write it.

    Servers that repeat it in links.next write it in their own way: "%3A", which SessionNet itself refuses, or "+", which means a blank.
    """
    if stamp := next((part for part in asked.split("&") if part.startswith("modified_since=")), ""):
        same = unquote(stamp.partition("=")[2])
        url = STAMP.sub(lambda hit: hit[1] + stamp if unquote(hit[2]).replace(" ", "+") == same else hit[0], url)
    has = {part.partition("=")[0] for part in url.partition("?")[2].split("&")}
    missing = "&".join(part for part in asked.split("&") if part and part.partition("=")[0] not in has)
    return f"{url}{'&' if '?' in url else '?'}{missing}" if missing else url


def page_after(url: str, answer: Answer | None) -> str:
    """Return the URL of the page after `url` by number, "" if the pages do not say that there is one.

    `answer` is the last page that could be read: the one of `url` or one before it.
    """
    match = re.search(r"([?&]page=)(\d+)", url)
    number = int(match[2]) if match else 1
    if answer is None or number >= answer.listed.pages:
        return ""
    if match:
        return url[: match.start(2)] + str(number + 1) + url[match.end(2) :]
    return f"{url}{'&' if '?' in url else '?'}page={number + 1}"


def moved(url: str, prefixes: Mapping[str, str]) -> str:
    """Return where `url` is really served: ids keep an old host or path while the server answers elsewhere (SessionNet, Karlsruhe 2026)."""
    return next((new + url.removeprefix(old) for old, new in prefixes.items() if url.startswith(old)), url)
