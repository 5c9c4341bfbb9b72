"""A live OParl server, 1.0 or 1.1: from its System over the Bodies through every list, along links.next."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

from publisher.config import Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Fetch, Page
from publisher.record import Note, Record, Refusal, content_hash
from publisher.sources.oparl_page import Listed, json_of, listed, parts_of, record, type_of

OWN_LISTS = ("organization", "person", "meeting", "paper")
PART_LISTS = ("agendaItem", "consultation", "file", "locationList", "membership", "legislativeTermList")


class Answer(NamedTuple):
    """What a page lists, where it was read, and what had to be done to read it."""

    listed: Listed
    url: str
    notes: tuple[Note, ...]


def records(source: Source, fetch: Fetch) -> Iterator[Record | Refusal]:
    """Yield a Record for each System, Body and object of their lists; a list that breaks off is a Refusal without an id.

    Objects of the 1.1 lists agendaItem, consultation, file, location, membership and legislativeTerm come only if no other object
    embeds them. Raises Unreachable or Malformed if the source's first page does not answer or is no OParl.
    """
    walk = _Walk(source, fetch)
    entry = walk.answer(source.url)
    kinds = [type_of(obj) if isinstance(obj, dict) else "" for obj in entry.listed.objects]
    if "System" not in kinds and "Body" not in kinds:
        raise Malformed(source.url, f"expected an OParl System or Body, got {', '.join(filter(None, kinds)) or 'none'}")
    for obj in entry.listed.objects:
        yield from walk.taken(obj, entry)
        if type_of(obj) == "System" and isinstance(obj.get("body"), str):
            yield from walk.list_of(urljoin(entry.url, obj["body"]))
    for key in OWN_LISTS + PART_LISTS:
        for body in walk.bodies:
            if isinstance(body.get(key), str) and body[key]:
                yield from walk.list_of(body[key], parts=key in PART_LISTS)


class _Walk:
    """The state of one walk: what was seen, so that no object comes twice, and the bodies found."""

    def __init__(self, source: Source, fetch: Fetch) -> None:
        self._source, self._fetch = source, fetch
        self._seen: dict[str, str] = {}
        self._embedded: set[str] = set()
        self.bodies: list[dict[str, Any]] = []

    def answer(self, url: str) -> Answer:
        page = self._fetch(url, check=_json)
        told, notes = _json(page)
        return Answer(listed(told), page.url, notes)

    def list_of(self, url: str, *, parts: bool = False) -> Iterator[Record | Refusal]:
        """Yield the objects of one list along its pages; stop at a page that leads back."""
        visited: set[str] = set()
        while url and url not in visited:
            visited.add(url)
            try:
                answer = self.answer(url)
            except (Unreachable, Malformed) as error:
                yield Refusal(url, f"the list breaks off here: {error.expected}")
                return
            for obj in answer.listed.objects:
                if not (parts and isinstance(obj, dict) and obj.get("id") in self._embedded):
                    yield from self.taken(obj, answer)
            url = urljoin(answer.url, answer.listed.next) if answer.listed.next else ""

    def taken(self, obj: Any, answer: Answer) -> Iterator[Record | Refusal]:
        """Yield the object once; once more only as a Refusal, if its id comes back with other content."""
        item = record(obj, answer.url, self_url=answer.listed.self, notes=answer.notes)
        if isinstance(item, Record):
            fingerprint = content_hash(item.object)
            known = self._seen.setdefault(item.id, fingerprint)
            if known is not fingerprint:
                if known != fingerprint:
                    yield Refusal(answer.url, "the id came before with other content; the first is taken", item.type, item.id)
                return
            self._embedded.update(part["id"] for part in parts_of(item.object) if isinstance(part["id"], str))
            if item.type == "Body":
                self.bodies.append(item.object)
        yield item


def _json(page: Page) -> tuple[Any, tuple[Note, ...]]:
    return json_of(page.body, page.url)
