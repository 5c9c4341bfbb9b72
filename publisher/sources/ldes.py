"""Another publisher's event stream (LDES): its records under its own IRIs, so that a second publisher is a mirror of the first."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from publisher.config import Source
from publisher.errors import Malformed
from publisher.fetch import Fetch, Page
from publisher.iris import is_url
from publisher.record import Note, Record, Refusal
from publisher.sources.addresses import joined

DELETE = "as:Delete"
NAME = "/stream#events"
ERASED = Note("withheld", "erased_by_first_publisher", "", 0)


class Node(NamedTuple):
    """A page of the stream that the entry names. start: when its first member was recorded."""

    url: str
    start: str


def records(source: Source, fetch: Fetch) -> Iterator[Record | Refusal]:
    """Yield every version that a stream holds, tombstones included, each record's in order; `source.url` is its entry ({base}/stream).

    The objects are taken as they are: ids, keys and their order stay, so that the journals agree byte for byte. `url` of a record is
    the version's IRI. A page that the other took away (410) counts as empty, as the LDES specification says; what it held last of each
    record is named elsewhere in the stream. Raises Malformed for a stream whose members are not OParl objects as this publisher writes
    them, Unreachable for a page that does not answer.
    """
    for node in nodes(fetch(source.url)):
        page = fetch(node.url, statuses={410})
        if page.status != 410:
            yield from (record(member, page.url) for member in members(page))


def base(entry: Page) -> str:
    """Return the base of the publisher whose stream this is. Raises Malformed."""
    name = str(_object(entry.json(), entry.url).get("id") or "")
    found, event_stream, _ = name.partition(NAME)
    if not event_stream or not is_url(found):
        raise Malformed(entry.url, f"expected the event stream of a publisher, named {{base}}{NAME}; got {name!r}")
    return found


def sequence(version: str) -> int:
    """Return the place in the stream that a version's IRI tells ("https://.../vorlage/7/v/12" is 12), 0 for what is none."""
    stem, _, number = version.rpartition("/v/")
    return int(number) if stem and number.isascii() and number.isdigit() and len(number) < 19 else 0


def nodes(entry: Page) -> list[Node]:
    """Return the pages that the entry's relations lead to, each once, oldest first. Raises Malformed."""
    view = _object(entry.json(), entry.url).get("view")
    if not isinstance(view, dict):
        raise Malformed(entry.url, "expected an event stream with one view; is it the address of {base}/stream?")
    found: dict[str, str] = {}
    relations = view.get("relation") or []
    for relation in relations if isinstance(relations, list) else [relations]:
        if not isinstance(relation, dict) or not isinstance(relation.get("node"), str):
            raise Malformed(entry.url, "expected relations with a node")
        url = joined(entry.url, relation["node"])
        value = relation.get("tree:value")
        start = str(value.get("@value", "")) if isinstance(value, dict) else ""
        if "GreaterThan" in str(relation.get("type")) or url not in found:
            found[url] = start
    # The entry lists its pages in order; one harvest may give several pages the same time, so the order given decides.
    return [Node(url, start) for url, start in found.items()]


def members(page: Page) -> list[dict[str, Any]]:
    """Return the members of a page in the order of their sequence numbers. Raises Malformed."""
    found = _object(page.json(), page.url).get("member", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Malformed(page.url, "expected a list of members")
    return sorted(found, key=lambda one: one["sequence"] if isinstance(one.get("sequence"), int) else 0)


def record(member: dict[str, Any], url: str) -> Record | Refusal:
    """Return the record of one member, or why it is none."""
    iri, held = str(member.get("isVersionOf") or ""), member.get("@graph")
    version = str(member.get("id") or url)
    if not isinstance(held, list) or len(held) != 1 or not isinstance(held[0], dict):
        return Refusal(version, "expected one OParl object in the member's graph", id=iri)
    obj = held[0]
    if obj.get("id") != iri or not isinstance(obj.get("type"), str):
        return Refusal(version, f"expected the object {iri!r} with a type, got {obj.get('id')!r}", id=iri)
    deleted = member.get("type") == DELETE or obj.get("deleted") is True
    body = str(member.get("body") or "")
    notes = (ERASED,) if member.get("erased") is True else ()
    return Record(obj["type"].rsplit("/", 1)[-1], iri, version, obj, deleted, notes, obj, body)


def _object(found: Any, url: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Malformed(url, "expected an event stream as JSON-LD")
    return found
