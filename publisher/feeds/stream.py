"""The event stream (LDES): every published version of every record, in immutable pages that are files, and one open page."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from publisher.feeds import Item

SIZE = 250
INDEX = "index.json"
SUFFIXES = ("jsonld", "nq")
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
    "retentionPolicy": {"@id": "ldes:retentionPolicy", "@type": "@id"},
    "fullLogDuration": {"@id": "ldes:fullLogDuration", "@type": "xsd:duration"},
    "versionAmount": {"@id": "ldes:versionAmount", "@type": "xsd:integer"},
    "isVersionOf": {"@id": "dct:isVersionOf", "@type": "@id"},
    "recorded": {"@id": "prov:generatedAtTime", "@type": "xsd:dateTime"},
    "wasRevisionOf": {"@id": "prov:wasRevisionOf", "@type": "@id"},
    "sequence": {"@id": SEQUENCE, "@type": "xsd:integer"},
    "hash": None,
    "body": None,
    "erased": None,
}


class Change(Item, Protocol):
    """A published version with its kind (create, update, delete), the body it belongs to, and whether what was before is erased."""

    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def erased(self) -> bool: ...


class Page(NamedTuple):
    """One page. first, last: seq of its members; start, end: when they were recorded; full: it will never change.

    upto: 0 for a page of the whole log, else it holds of what was published up to this seq only the newest version of each record.
    """

    number: int
    first: int
    last: int
    start: str
    end: str
    members: int
    full: bool
    upto: int = 0


class Stream(NamedTuple):
    """How a stream is cut. context: address of the JSON-LD context of records. generation: grows when records are forgotten,
    so that pages which held them are gone for good (410). days: how long every version stays in the log at `at` (RFC 3339),
    0 for ever; of what is older the newest version of each record stays."""

    base: str
    context: str
    generation: int = 1
    size: int = SIZE
    days: int = 0
    at: str = ""
    seconds: int = 3600


Events = Callable[[int], Iterable[Change]]
Quads = Callable[[dict[str, Any]], str]


def version_iri(iri: str, seq: int) -> str:
    """Return the IRI of one version of a record; it answers with the same content for ever."""
    return f"{iri}/v/{seq}"


def page_iri(stream: Stream, page: Page) -> str:
    return f"{stream.base}/stream/{_place(stream, page)}"


def page_file(folder: Path, generation: int, number: int, upto: int = 0, *, full: bool = True) -> Path:
    """Return where a page lies, without its ending. A full one lies at the path of its address, for a front server to send."""
    place = f"{generation}/{upto}/{number}" if upto else f"{generation}/{number}"
    return folder / (place if full else "open")


def _place(stream: Stream, page: Page) -> str:
    return str(page_file(Path(), stream.generation, page.number, page.upto))


def write(folder: Path, stream: Stream, events: Events, quads: Quads, previous: Path | None = None) -> list[Page]:
    """Write the stream into the new directory `folder` ({release}/stream) and return its pages: files of each, index.json, root.

    events: gives the published changes after a seq, in order. Full pages of the previous release are hard-linked, never
    written again. What is older than the retention is replaced by pages that hold the newest version of each record.
    """
    folder.joinpath(str(stream.generation)).mkdir(parents=True)
    noted = _index(previous, stream)
    log = [page for page in noted if page.full and not page.upto]
    number = log[-1].number if log else 0
    for at, members in enumerate(_chunks(events(log[-1].last if log else 0), stream.size), 1):
        page = _page(number + at, members, full=len(members) == stream.size)
        _written(folder, stream, page, members, quads)
        log.append(page)
    old = _outdated(log, stream)
    upto = old[-1].last if old else max((page.upto for page in noted), default=0)
    short = [page for page in noted if page.upto == upto > 0]
    if upto and not short:
        short = _shortened(folder, stream, upto, events, quads)
    pages = [*short, *log[len(old) :]]
    for page in (*old, *pages):
        _kept(folder, stream, page, previous, gone=page in old)
    _told(folder, stream, pages)
    return pages


def _page(number: int, members: list[Change], *, full: bool, upto: int = 0) -> Page:
    return Page(number, members[0].seq, members[-1].seq, members[0].recorded, members[-1].recorded, len(members), full, upto)


def _written(folder: Path, stream: Stream, page: Page, members: list[Change], quads: Quads) -> None:
    stem = page_file(folder, stream.generation, page.number, page.upto, full=page.full)
    stem.parent.mkdir(exist_ok=True)
    stem.with_name(f"{stem.name}.jsonld").write_bytes(page_jsonld(stream, page, members))
    stem.with_name(f"{stem.name}.nq").write_bytes(page_nquads(stream, page, members, quads))


def _kept(folder: Path, stream: Stream, page: Page, previous: Path | None, *, gone: bool) -> None:
    """Link the files of a page from the previous release, or remove them if it is beyond the retention."""
    for suffix in SUFFIXES if page.full else ():
        place = f"{_place(stream, page)}.{suffix}"
        if gone:
            folder.joinpath(place).unlink(missing_ok=True)
        elif previous and not folder.joinpath(place).exists():
            folder.joinpath(place).parent.mkdir(exist_ok=True)
            os.link(previous / place, folder / place)


def _outdated(log: list[Page], stream: Stream) -> list[Page]:
    """Return the pages at the beginning of the log of which every member is older than the retention; never the newest full one."""
    if not stream.days:
        return []
    since = datetime.fromisoformat(stream.at) - timedelta(days=stream.days)
    return list(takewhile(lambda page: datetime.fromisoformat(page.end) < since, [page for page in log if page.full][:-1]))


def _shortened(folder: Path, stream: Stream, upto: int, events: Events, quads: Quads) -> list[Page]:
    """Write the newest version of each record up to a seq, in pages of their own; they depend on nothing that comes later."""

    def log() -> Iterator[Change]:
        return takewhile(lambda event: event.seq <= upto, events(0))

    newest = {event.iri: event.seq for event in log()}
    pages = []
    for number, members in enumerate(_chunks((event for event in log() if newest[event.iri] == event.seq), stream.size), 1):
        pages.append(_page(number, members, full=True, upto=upto))
        _written(folder, stream, pages[-1], members, quads)
    return pages


def _told(folder: Path, stream: Stream, pages: list[Page]) -> None:
    index = {"generation": stream.generation, "size": stream.size, "pages": [page._asdict() for page in pages]}
    folder.joinpath(INDEX).write_bytes(orjson.dumps(index, option=orjson.OPT_INDENT_2) + b"\n")
    folder.joinpath("root.jsonld").write_bytes(root_jsonld(stream, pages))
    folder.joinpath("root.nq").write_bytes(_lines(_root(stream, pages)))


def _index(folder: Path | None, stream: Stream) -> list[Page]:
    """Pages of an earlier release that was cut the same way; none otherwise, as when all history is wanted again."""
    try:
        noted = orjson.loads(folder.joinpath(INDEX).read_bytes()) if folder else {}
    except (OSError, ValueError):
        return []
    pages = [Page(**page) for page in noted["pages"]] if folder and noted else []
    laid = all(
        page_file(folder, stream.generation, one.number, one.upto).with_suffix(".nq").exists() for one in pages if folder and one.full
    )
    same = (noted.get("generation"), noted.get("size")) == (stream.generation, stream.size)
    return pages if same and laid and (stream.days or not any(page.upto for page in pages)) else []


def _chunks(events: Iterable[Change], size: int) -> Iterator[list[Change]]:
    stream = iter(events)
    while chunk := list(islice(stream, size)):
        yield chunk


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
        **({"erased": True} if event.erased else {}),
        "@graph": [orjson.Fragment(event.json)],
    }


def page_jsonld(stream: Stream, page: Page, events: Iterable[Change]) -> bytes:
    """Return a page as JSON-LD; each record stands in it byte for byte as its own document says it."""
    whole = {
        "@context": [stream.context, TERMS],
        "id": f"{stream.base}/stream#events",
        "type": "ldes:EventStream",
        "view": {"id": page_iri(stream, page), "type": "tree:Node", **({"immutable": True} if page.full else {})},
        "member": [member(event) for event in events],
    }
    return orjson.dumps(whole) + b"\n"


def page_nquads(stream: Stream, page: Page, events: Iterable[Change], quads: Callable[[dict[str, Any]], str]) -> bytes:
    """Return the same page as N-Quads."""
    head, node = f"<{stream.base}/stream#events>", f"<{page_iri(stream, page)}>"
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
        node, name = page_iri(stream, page), _name(stream, page, kind)
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
        "view": {"id": f"{stream.base}/stream", "type": "tree:Node", **_policy(stream), "relation": relations},
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n"


def _policy(stream: Stream) -> dict[str, Any]:
    """What the stream keeps: all versions for so many days, then the newest one of each record. Nothing said: all for ever."""
    if not stream.days:
        return {}
    kept = {"fullLogDuration": f"P{stream.days}D", "versionAmount": 1}
    return {"retentionPolicy": {"id": f"{stream.base}/stream#retention", "type": "ldes:RetentionPolicy", **kept}}


def _name(stream: Stream, page: Page, kind: str) -> str:
    upto = f"{page.upto}-" if page.upto else ""
    return f"{stream.base}/stream#page-{upto}{page.number}-{'from' if kind.startswith('Greater') else 'to'}"


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
    if stream.days:
        policy = f"<{stream.base}/stream#retention>"
        yield f"{view} <{LDES}retentionPolicy> {policy} ."
        yield f"{policy} <{RDF_TYPE}> <{LDES}RetentionPolicy> ."
        yield f'{policy} <{LDES}fullLogDuration> "P{stream.days}D"^^<{XSD}duration> .'
        yield f'{policy} <{LDES}versionAmount> "1"^^<{XSD}integer> .'
    for page, kind, value in _relations(pages):
        name = f"<{_name(stream, page, kind)}>"
        yield f"{view} <{TREE}relation> {name} ."
        yield f"{name} <{RDF_TYPE}> <{TREE}{kind}> ."
        yield f"{name} <{TREE}node> <{page_iri(stream, page)}> ."
        yield f"{name} <{TREE}path> {stamp} ."
        yield f'{name} <{TREE}value> "{value}"^^<{XSD}dateTime> .'
