"""Another publisher's event stream (LDES): its records under its own IRIs, so that a second publisher is a mirror of the first."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

from publisher.config import Source
from publisher.errors import Malformed
from publisher.fetch import Fetch, Page
from publisher.record import Record, Refusal

DELETE = "as:Delete"


class Node(NamedTuple):
    """A page of the stream that the entry names. start: when its first member was recorded."""

    url: str
    start: str


def records(source: Source, fetch: Fetch) -> Iterator[Record | Refusal]:
    """Yield the newest version of each record of a stream, tombstones included, newest first; `source.url` is its entry ({base}/stream).

    The objects are taken as they are: ids, keys and their order stay, so that the journals agree byte for byte. A page
    that the other took away (410) counts as empty, as the LDES specification says. Raises Malformed for a stream
    whose members are not OParl objects as this publisher writes them, Unreachable for a page that does not answer.
    """
    seen: set[str] = set()
    for node in reversed(nodes(fetch(source.url))):
        page = fetch(node.url, statuses={410})
        if page.status == 410:
            continue
        for member in reversed(members(page)):
            item = record(member, page.url)
            key = item.id or item.url
            if key not in seen:
                seen.add(key)
                yield item


def nodes(entry: Page) -> list[Node]:
    """Return the pages that the entry's relations lead to, each once, oldest first. Raises Malformed."""
    view = _object(entry.json(), entry.url).get("view")
    if not isinstance(view, dict):
        raise Malformed(entry.url, "expected an event stream with one view; is it the address of {base}/stream?")
    found: dict[str, str] = {}
    for relation in view.get("relation") or ():
        if not isinstance(relation, dict) or not isinstance(relation.get("node"), str):
            raise Malformed(entry.url, "expected relations with a node")
        url = urljoin(entry.url, relation["node"])
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
    return Record(obj["type"].rsplit("/", 1)[-1], iri, version, obj, deleted, raw=obj, body=body)


def _object(found: Any, url: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Malformed(url, "expected an event stream as JSON-LD")
    return found
