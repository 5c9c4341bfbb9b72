"""Check-harvest: walks a catalogue and a stream as ckanext-dcat, udata and a stream client do, and tells what each would do."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from rdflib import DCAT, DCTERMS, RDF, Dataset, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from publisher.fetch.page import Page

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LDES = Namespace("https://w3id.org/ldes#")
TREE = Namespace("https://w3id.org/tree#")
AS = Namespace("https://www.w3.org/ns/activitystreams#")
Ask = Callable[..., Page]
MEDIA = {"application/ld+json": "json-ld", "text/turtle": "turtle", "application/rdf+xml": "xml", "application/n-triples": "nt"}
SUFFIXES = {"jsonld": "json-ld", "json": "json-ld", "ttl": "turtle", "rdf": "xml", "xml": "xml", "nt": "nt"}
MOST_BYTES, MOST_PAGES = 50 * 1024 * 1024, 10_000
# As ldes-client sends it, and every reader built on rdf-dereference.
STREAM_ACCEPT = "application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9,application/n-triples;q=0.8,text/turtle;q=0.6"


class Finding(NamedTuple):
    """What a harvester would do with one thing. action: create | change | keep | delete | refuse | end."""

    harvester: str
    action: str
    iri: str
    words: str = ""
    mark: str = ""


def ckan(ask: Ask, url: str, known: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Yield what ckanext-dcat 2.4 would do with each dataset. known: dataset IRI -> mark of an earlier rehearsal.

    It asks HEAD first, GET without Accept, reads each page by itself, follows hydra:next of either paging class, and
    deletes what a whole run no longer showed; a failing page ends the run without deletions.
    """
    seen: dict[str, str] = {}
    last = b""
    place: str | None = url
    while place:
        page, trouble = _fetched(ask, place)
        if page is None:
            yield Finding("ckan", "end", place, trouble)
            return
        if page.body == last:
            yield Finding("ckan", "end", place, "the same bytes as the page before: the walk would stop here")
            return
        last = page.body
        graph = _parsed(page, MEDIA.get(page.content_type.partition(";")[0].strip()))
        if isinstance(graph, str):
            yield Finding("ckan", "end", place, graph)
            return
        for finding in _datasets("ckan", graph, known or {}):
            if finding.iri in seen:
                yield Finding("ckan", "refuse", finding.iri, "stands on two pages; the second overwrites the first")
            seen[finding.iri] = finding.mark
            yield finding
        place = _next(graph, place, both=True)
    yield from (Finding("ckan", "delete", iri, "no page shows it any more") for iri in sorted(known or {}) if iri not in seen)


def udata(ask: Ask, url: str, known: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Yield what udata would do: the format comes from the address's suffix, else from HEAD; each dataset needs dct:identifier."""
    form = SUFFIXES.get(urlsplit(url).path.rpartition(".")[2])
    if form is None:
        head = ask("HEAD", url)
        form = MEDIA.get(head.content_type.partition(";")[0].strip())
        if form is None:
            yield Finding("udata", "end", url, f"HEAD says {head.content_type or 'no type'}: no format that it reads")
            return
    seen: set[str] = set()
    place: str | None = url
    pages = 0
    while place and pages < MOST_PAGES:
        page = ask("GET", place)
        graph = _parsed(page, form) if page.status == 200 else f"status {page.status}"
        if isinstance(graph, str):
            yield Finding("udata", "end", place, graph)
            return
        for finding in _datasets("udata", graph, known or {}):
            seen.add(finding.iri)
            nameless = (URIRef(finding.iri), DCTERMS.identifier, None) not in graph
            yield finding._replace(action="refuse", words="no dct:identifier") if nameless else finding
        place, pages = _next(graph, place, both=False), pages + 1
    yield from (
        Finding("udata", "delete", iri, "archived after it was missing for a while") for iri in sorted(known or {}) if iri not in seen
    )


def _fetched(ask: Ask, url: str) -> tuple[Page | None, str]:
    head = ask("HEAD", url)
    if head.status not in (200, 400, 405):
        return None, f"HEAD answers {head.status}: the job ends with an error, nothing is deleted"
    if int(head.headers.get("content-length") or 0) > MOST_BYTES:
        return None, f"{head.headers['content-length']} bytes: above the 50 MB that are read"
    page = ask("GET", url)
    if page.status != 200:
        return None, f"GET answers {page.status}: the job ends with an error, nothing is deleted"
    return page, ""


def _parsed(page: Page, form: str | None) -> Graph | str:
    if form is None:
        return f"Content-Type {page.content_type!r}: no parser for it"
    if form == "json-ld" and re.search(rb'"@context"\s*:\s*(\[\s*)?"http', page.body):
        return "the JSON-LD needs a context from another address, which a harvester may not reach: inline it"
    try:
        return Graph().parse(data=page.body, format=form)
    # rdflib's parsers raise whatever their own libraries raise; all of it means the same here.
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError) as error:
        return f"not {form}: {error}"


def _datasets(harvester: str, graph: Graph, known: Mapping[str, str]) -> Iterator[Finding]:
    for node in sorted(set(graph.subjects(RDF.type, DCAT.Dataset)), key=str):
        if not isinstance(node, URIRef):
            yield Finding(harvester, "refuse", str(node), "a blank node: it would be new at each harvest")
            continue
        title = graph.value(node, DCTERMS.title)
        if title is None:
            yield Finding(harvester, "refuse", str(node), "no dct:title")
            continue
        mark = _mark(graph, node)
        before = known.get(str(node))
        action = "create" if before is None else "keep" if before == mark else "change"
        yield Finding(harvester, action, str(node), f"{title} ({_resources(graph, node)})", mark)


def _resources(graph: Graph, dataset: Node) -> str:
    distributions = list(graph.objects(dataset, DCAT.distribution))
    untold = sum(1 for one in distributions if (one, RDF.type, None) not in graph)
    closed = sum(1 for one in distributions if (one, DCTERMS.license, None) not in graph)
    words = f"{len(distributions)} resources"
    words += f", {untold} of them not described on this page" if untold else ""
    return words + (f", {closed} without a licence: taken as closed" if closed else "")


def _mark(graph: Graph, node: Node) -> str:
    """A hash over a dataset and its distributions: data.europa.eu updates what hashes differently."""
    nodes = [node, *sorted(graph.objects(node, DCAT.distribution), key=str)]
    lines = sorted(f"{s} {p} {o.n3() if isinstance(o, Literal) else o}" for one in nodes for s, p, o in graph.triples((one, None, None)))
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def _next(graph: Graph, place: str, *, both: bool) -> str | None:
    """Return the next page as ckanext-dcat (both predicates on either class) or udata (one predicate a class) reads it."""
    for cls, own in ((HYDRA.PartialCollectionView, HYDRA.next), (HYDRA.PagedCollection, HYDRA.nextPage)):
        for node in graph.subjects(RDF.type, cls):
            found = [graph.value(node, key) for key in ((HYDRA.next, HYDRA.nextPage) if both else (own,))]
            following = next((str(one) for one in found if one is not None), None)
            if following:
                return urljoin(place, following)
    return None


def stream(ask: Ask, url: str, known: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Yield what a client of the event stream would do with each record: its newest event decides.

    known: record IRI -> version IRI of an earlier rehearsal. A page that answers 410 counts as empty; other faults end the walk.
    """
    newest: dict[str, tuple[str, str, str]] = {}
    todo, done = [url], set[str]()
    while todo:
        place = todo.pop(0)
        done.add(place)
        page = ask("GET", place, headers={"Accept": STREAM_ACCEPT})
        if page.status == 410:
            continue
        media = page.content_type.partition(";")[0].strip()
        if page.status != 200 or media not in ("application/n-quads", "application/ld+json"):
            yield Finding("stream", "end", place, f"status {page.status}, {page.content_type}")
            return
        graph = Dataset(default_union=True)
        graph.parse(data=page.body, format="nquads" if media == "application/n-quads" else "json-ld")
        yield from _events(graph, newest)
        yield from _lasting(graph, page, place)
        todo += sorted({urljoin(place, str(node)) for node in graph.objects(None, TREE.node)} - done - set(todo))
    before = known or {}
    for iri, (_, kind, version) in sorted(newest.items()):
        action = "delete" if kind == "Delete" else "create" if iri not in before else "keep" if before[iri] == version else "change"
        yield Finding("stream", action, iri, version, version)


def _events(graph: Dataset, newest: dict[str, tuple[str, str, str]]) -> Iterator[Finding]:
    stamp = graph.value(None, LDES.timestampPath) or URIRef("http://www.w3.org/ns/prov#generatedAtTime")
    for member in sorted(set(graph.objects(None, TREE.member)), key=str):
        iri, time = graph.value(member, DCTERMS.isVersionOf), graph.value(member, URIRef(str(stamp)))
        if iri is None or time is None or not _zoned(str(time)):
            yield Finding("stream", "refuse", str(member), "no dct:isVersionOf, or no time with a zone")
            continue
        kinds = [str(cls).removeprefix(str(AS)) for cls in graph.objects(member, RDF.type) if str(cls).startswith(str(AS))]
        order = (str(time), f"{int(str(graph.value(member, URIRef('https://w3id.org/oparl-ld/ns#sequence')) or 0)):012}")
        event = ("".join(order), kinds[0] if kinds else "Update", str(member))
        if str(iri) not in newest or event[0] > newest[str(iri)][0]:
            newest[str(iri)] = event


def _lasting(graph: Dataset, page: Page, place: str) -> Iterator[Finding]:
    immutable = (URIRef(place), LDES.immutable, None) in graph
    cached = "immutable" in page.headers.get("cache-control", "")
    if immutable != cached:
        yield Finding(
            "stream", "refuse", place, f"ldes:immutable is {immutable}, Cache-Control says {cached}: clients would poll or miss events"
        )


def _zoned(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


WALKS = {"ckan": ckan, "udata": udata, "stream": stream}
