"""The event stream (LDES): every published version of every record, in immutable pages that are files, and one open page."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from publisher.feeds import Item

SIZE = 250
INDEX = "index.json"
KINDS = {"create": "Create", "update": "Update", "delete": "Delete"}
LDES, TREE, AS = "https://w3id.org/ldes#", "https://w3id.org/tree#", "https://www.w3.org/ns/activitystreams#"
DCT, PROV, XSD = "http://purl.org/dc/terms/", "http://www.w3.org/ns/prov#", "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SEQUENCE = "https://w3id.org/oparl-ld/ns#sequence"
TERMS: dict[str, Any] = {
    "tree": TREE,
    "ldes": LDES,
    "as": AS,
    "member": {"@id": "tree:member", "@type": "@id", "@container": "@set"},
    "view": {"@id": "tree:view", "@type": "@id"},
    "relation": {"@id": "tree:relation", "@container": "@set"},
    "node": {"@id": "tree:node", "@type": "@id"},
    "path": {"@id": "tree:path", "@type": "@id"},
    "timestampPath": {"@id": "ldes:timestampPath", "@type": "@id"},
    "versionOfPath": {"@id": "ldes:versionOfPath", "@type": "@id"},
    "sequencePath": {"@id": "ldes:sequencePath", "@type": "@id"},
    "versionDeletePath": {"@id": "ldes:versionDeletePath", "@type": "@id"},
    "versionDeleteObject": {"@id": "ldes:versionDeleteObject", "@type": "@id"},
    "pollingInterval": {"@id": "ldes:pollingInterval", "@type": "xsd:integer"},
    "immutable": {"@id": "ldes:immutable", "@type": "xsd:boolean"},
    "isVersionOf": {"@id": "dct:isVersionOf", "@type": "@id"},
    "recorded": {"@id": "prov:generatedAtTime", "@type": "xsd:dateTime"},
    "wasRevisionOf": {"@id": "prov:wasRevisionOf", "@type": "@id"},
    "sequence": {"@id": SEQUENCE, "@type": "xsd:integer"},
    "hash": None,
    "body": None,
}


class Change(Item, Protocol):
    """A published version with its kind (create, update, delete) and the body it belongs to."""

    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> str: ...


class Page(NamedTuple):
    """One page. first, last: seq of its members; start, end: when they were recorded; full: it will never change."""

    number: int
    first: int
    last: int
    start: str
    end: str
    members: int
    full: bool


class Stream(NamedTuple):
    """How a stream is cut. context: address of the JSON-LD context of records. generation: grows when records are forgotten,
    so that pages which held them are gone for good (410). kept: how many full pages stay, 0 for all."""

    base: str
    context: str
    generation: int = 1
    size: int = SIZE
    kept: int = 0
    seconds: int = 3600


def version_iri(iri: str, seq: int) -> str:
    """Return the IRI of one version of a record; it answers with the same content for ever."""
    return f"{iri}/v/{seq}"


def page_iri(stream: Stream, number: int) -> str:
    return f"{stream.base}/stream/{stream.generation}/{number}"


def write(
    folder: Path,
    stream: Stream,
    events: Callable[[int], Iterable[Change]],
    quads: Callable[[dict[str, Any]], str],
    previous: Path | None = None,
) -> list[Page]:
    """Write the stream into the new directory `folder` ({release}/stream): N.jsonld, N.nq a page, index.json; return its pages.

    events: gives the published changes after a seq, in order. Full pages of the previous release are hard-linked, never
    written again. Pages beyond `kept` are left out; the index still counts from the first page ever.
    """
    folder.mkdir(parents=True)
    pages = [page for page in _index(previous, stream) if page.full]
    for page in pages:
        for suffix in ("jsonld", "nq"):
            if previous and (old := previous / f"{page.number}.{suffix}").exists():
                os.link(old, folder / old.name)
    number = pages[-1].number + 1 if pages else 1
    for members in _chunks(events(pages[-1].last if pages else 0), stream.size):
        page = Page(
            number, members[0].seq, members[-1].seq, members[0].recorded, members[-1].recorded, len(members), len(members) == stream.size
        )
        folder.joinpath(f"{number}.jsonld").write_bytes(page_jsonld(stream, page, members))
        folder.joinpath(f"{number}.nq").write_bytes(page_nquads(stream, page, members, quads))
        pages.append(page)
        number += 1
    pages = _retained(folder, pages, stream.kept)
    index = {"generation": stream.generation, "size": stream.size, "pages": [page._asdict() for page in pages]}
    folder.joinpath(INDEX).write_bytes(orjson.dumps(index, option=orjson.OPT_INDENT_2) + b"\n")
    folder.joinpath("root.jsonld").write_bytes(root_jsonld(stream, pages))
    folder.joinpath("root.nq").write_bytes(_lines(_root(stream, pages)))
    return pages


def _index(folder: Path | None, stream: Stream) -> list[Page]:
    """Pages of an earlier release that was cut the same way; none otherwise."""
    try:
        noted = orjson.loads(folder.joinpath(INDEX).read_bytes()) if folder else {}
    except (OSError, ValueError):
        return []
    same = (noted.get("generation"), noted.get("size")) == (stream.generation, stream.size)
    return [Page(**page) for page in noted["pages"]] if same else []


def _chunks(events: Iterable[Change], size: int) -> Iterator[list[Change]]:
    chunk: list[Change] = []
    for event in events:
        chunk.append(event)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _retained(folder: Path, pages: list[Page], kept: int) -> list[Page]:
    gone = [page for page in pages if page.full][:-kept] if kept else []
    for page in gone:
        for suffix in ("jsonld", "nq"):
            folder.joinpath(f"{page.number}.{suffix}").unlink(missing_ok=True)
    return pages[len(gone) :]


def member(event: Change) -> dict[str, Any]:
    """Return one member: the version's node, and the record as it was in the named graph of the version's IRI."""
    return {
        "id": version_iri(event.iri, event.seq),
        "type": f"as:{KINDS[event.kind]}",
        "isVersionOf": event.iri,
        "recorded": event.recorded,
        "sequence": event.seq,
        "hash": event.hash,
        **({"body": event.body} if event.body else {}),
        "@graph": [orjson.Fragment(event.json)],
    }


def page_jsonld(stream: Stream, page: Page, events: Iterable[Change]) -> bytes:
    """Return a page as JSON-LD; each record stands in it byte for byte as its own document says it."""
    whole = {
        "@context": [stream.context, TERMS],
        "id": f"{stream.base}/stream#events",
        "type": "ldes:EventStream",
        "view": {"id": page_iri(stream, page.number), "type": "tree:Node", **({"immutable": True} if page.full else {})},
        "member": [member(event) for event in events],
    }
    return orjson.dumps(whole) + b"\n"


def page_nquads(stream: Stream, page: Page, events: Iterable[Change], quads: Callable[[dict[str, Any]], str]) -> bytes:
    """Return the same page as N-Quads."""
    head, node = f"<{stream.base}/stream#events>", f"<{page_iri(stream, page.number)}>"
    lines = [
        f"{head} <{RDF_TYPE}> <{LDES}EventStream> .",
        f"{head} <{TREE}view> {node} .",
        f"{node} <{RDF_TYPE}> <{TREE}Node> .",
    ]
    if page.full:
        lines.append(f'{node} <{LDES}immutable> "true"^^<{XSD}boolean> .')
    for event in events:
        version = f"<{version_iri(event.iri, event.seq)}>"
        lines += [
            f"{head} <{TREE}member> {version} .",
            f"{version} <{RDF_TYPE}> <{AS}{KINDS[event.kind]}> .",
            f"{version} <{DCT}isVersionOf> <{event.iri}> .",
            f'{version} <{PROV}generatedAtTime> "{event.recorded}"^^<{XSD}dateTime> .',
            f'{version} <{SEQUENCE}> "{event.seq}"^^<{XSD}integer> .',
        ]
        lines += [f"{line.rsplit(' ', 2)[0]} {version} ." for line in quads(orjson.loads(event.json)).split("\n") if line]
    return _lines(lines)


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def root_jsonld(stream: Stream, pages: list[Page]) -> bytes:
    """Return the entry of the stream: how its members tell time, identity and deletion, and one relation pair a page."""
    relations: list[dict[str, Any]] = []
    for page, kind, value in _relations(pages):
        stamp = {"@value": value, "@type": "xsd:dateTime"}
        node = page_iri(stream, page.number)
        name = f"{stream.base}/stream#page-{page.number}-{'from' if kind.startswith('Greater') else 'to'}"
        relations.append({"id": name, "type": f"tree:{kind}", "node": node, "path": PROV + "generatedAtTime", "tree:value": stamp})
    whole = {
        "@context": [stream.context, TERMS],
        "id": f"{stream.base}/stream#events",
        "type": "ldes:EventStream",
        "timestampPath": PROV + "generatedAtTime",
        "versionOfPath": DCT + "isVersionOf",
        "sequencePath": SEQUENCE,
        "versionDeletePath": RDF_TYPE,
        "versionDeleteObject": AS + "Delete",
        "pollingInterval": stream.seconds,
        "view": {"id": f"{stream.base}/stream", "type": "tree:Node", "relation": relations},
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n"


def _relations(pages: list[Page]) -> Iterator[tuple[Page, str, str]]:
    """Bounds of each page; the open one has no upper bound. One harvest may share a time with the next page: both bounds include."""
    for page in pages:
        yield page, "GreaterThanOrEqualToRelation", page.start
        if page.full:
            yield page, "LessThanOrEqualToRelation", page.end


def _root(stream: Stream, pages: list[Page]) -> Iterator[str]:
    head, view, stamp = f"<{stream.base}/stream#events>", f"<{stream.base}/stream>", f"<{PROV}generatedAtTime>"
    yield f"{head} <{RDF_TYPE}> <{LDES}EventStream> ."
    yield f"{head} <{LDES}timestampPath> {stamp} ."
    yield f"{head} <{LDES}versionOfPath> <{DCT}isVersionOf> ."
    yield f"{head} <{LDES}sequencePath> <{SEQUENCE}> ."
    yield f"{head} <{LDES}versionDeletePath> <{RDF_TYPE}> ."
    yield f"{head} <{LDES}versionDeleteObject> <{AS}Delete> ."
    yield f'{head} <{LDES}pollingInterval> "{stream.seconds}"^^<{XSD}integer> .'
    yield f"{head} <{TREE}view> {view} ."
    yield f"{view} <{RDF_TYPE}> <{TREE}Node> ."
    for page, kind, value in _relations(pages):
        name = f"<{stream.base}/stream#page-{page.number}-{'from' if kind.startswith('Greater') else 'to'}>"
        yield f"{view} <{TREE}relation> {name} ."
        yield f"{name} <{RDF_TYPE}> <{TREE}{kind}> ."
        yield f"{name} <{TREE}node> <{page_iri(stream, page.number)}> ."
        yield f"{name} <{TREE}path> {stamp} ."
        yield f'{name} <{TREE}value> "{value}"^^<{XSD}dateTime> .'
