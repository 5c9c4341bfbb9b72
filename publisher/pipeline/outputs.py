"""What a release carries beside its store: search index, dumps, catalogue, event stream and sitemaps."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher import catalog, search
from publisher.feeds import dumps, sitemap, stream
from publisher.graph.mapper import quads
from publisher.journal.reader import Found, Reader
from publisher.ontology import VERSION

PAGE_OF_EVENTS = 1000


class Facts(NamedTuple):
    """What one pass over a body's records tells. mark: fingerprint of its dumps. issued, modified, start, end: the data's own."""

    mark: str
    counts: dict[str, int]
    issued: str
    modified: str
    start: str
    end: str


class Written(NamedTuple):
    """searchable: things in the index; pages: of the event stream; missing: why there is no catalogue, [] if there is one."""

    searchable: int
    pages: int
    missing: list[str]


def written(path: Path, reader: Reader, previous: Path | None, *, generation: int = 1, kept: int = 0) -> Written:
    """Write all outputs of the reader's release into its directory `path`; whatever did not change is linked from `previous`.

    generation, kept: of the event stream, see feeds.stream.Stream. A catalogue that would not be valid is not written.
    """
    searchable = search.build(path / "search", _documents(reader))
    datasets, listed = [], []
    for body in reader.bodies():
        facts = _facts(reader.owners(body=body.iri))
        dataset, made = _body(path, reader, previous, body, facts)
        datasets.append(dataset)
        listed.append((body.iri, dataset.name, dataset.license, made))
    if listed:
        path.joinpath("dumps", "manifest.json").write_bytes(dumps.manifest(reader.base, reader.release, listed))
        path.joinpath("dumps", "SHA256SUMS").write_text(dumps.checksums(listed), "utf-8")
    missing = _catalogue(path, reader, tuple(datasets))
    context = f"{reader.base}/ontology/context/{VERSION}.jsonld"
    cut = stream.Stream(reader.base, context, generation, kept=kept)
    pages = stream.write(path / "stream", cut, lambda after: _events(reader, after), quads, previous and previous / "stream")
    sitemap.write(path / "sitemap", reader.base, ((one.iri, one.modified) for one in reader.owners()), previous and previous / "sitemap")
    return Written(searchable, len(pages), missing)


def _documents(reader: Reader) -> Iterator[search.Entry]:
    for body in reader.bodies():
        for one in reader.owners(body=body.iri):
            yield one.iri, one.type, body.iri, orjson.loads(one.json)


def _events(reader: Reader, after: int) -> Iterator[Any]:
    while events := reader.events(after, PAGE_OF_EVENTS):
        yield from events
        after = events[-1].seq


def _facts(records: Iterable[Found]) -> Facts:
    pairs: list[tuple[str, str]] = []
    counts: dict[str, int] = {}
    times: dict[str, list[str]] = {"created": [], "modified": [], "day": []}
    for one in records:
        pairs.append((one.iri, one.hash))
        counts[one.type] = counts.get(one.type, 0) + 1
        obj = orjson.loads(one.json)
        day = str(obj.get("date") or obj.get("start") or obj.get("oparlx:day") or "") if one.type in ("Paper", "Meeting") else ""
        for name, value in (("created", one.created), ("modified", one.modified), ("day", day[:10])):
            _widen(times[name], value)
    created, modified, days = (bounds or ["", ""] for bounds in times.values())
    return Facts(dumps.fingerprint(pairs, VERSION), counts, created[0], modified[-1], days[0], days[-1])


def _widen(bounds: list[str], value: str) -> None:
    """Let [earliest, latest] take in one more time; what is no time is passed over."""
    try:
        instant = _instant(value)
    except ValueError:
        return
    if not bounds:
        bounds += [value, value]
    elif instant < _instant(bounds[0]):
        bounds[0] = value
    elif instant > _instant(bounds[1]):
        bounds[1] = value


def _instant(value: str) -> float:
    return (datetime.fromisoformat(value) if "T" in value else datetime.fromisoformat(f"{value}T00:00:00+00:00")).timestamp()


def _body(path: Path, reader: Reader, previous: Path | None, body: Found, facts: Facts) -> tuple[catalog.Dataset, list[dumps.Dump]]:
    obj: dict[str, Any] = orjson.loads(body.json)
    source: dict[str, Any] = next((one for one in reader.sources() if one["name"] == body.source), {})
    name = body.iri.removeprefix(f"{reader.base}/id/").replace("/", "-")
    license = str(obj.get("license") or source.get("license") or "")
    folder = path / "dumps" / name
    made = dumps.linked(folder, previous / "dumps" / name, facts.mark) if previous else None
    if made is None:
        made = dumps.write(folder, reader.owners(body=body.iri), quads, mark=facts.mark, license=license)
    key = str(obj.get("rgs") or obj.get("ags") or source.get("jurisdiction") or "")
    dataset = catalog.Dataset(
        iri=body.iri,
        name=str(obj.get("name") or source.get("title") or name),
        key=key,
        publisher=str(source.get("publisher") or ""),
        contact=str(source.get("contact") or obj.get("contactEmail") or ""),
        license=license,
        attribution=str(source.get("attribution") or ""),
        homepage=str(obj.get("website") or ""),
        source=str(source.get("url") or "") if str(source.get("url", "")).startswith("http") else "",
        issued=facts.issued,
        modified=facts.modified,
        start=facts.start,
        end=facts.end,
        counts=facts.counts,
        files=tuple(catalog.File(*one[:6]) for one in made),
    )
    return dataset, made


def _catalogue(path: Path, reader: Reader, datasets: tuple[catalog.Dataset, ...]) -> list[str]:
    """Write the catalogue; its own publisher, contact and licence are those of the first body."""
    first = datasets[0] if datasets else catalog.Dataset("", "", "", "", "", "")
    title = "Ratsinformationen als verknüpfte offene Daten"
    described = catalog.Description(reader.base, title, first.publisher, first.contact, first.license, datasets, homepage=f"{reader.base}/")
    missing = catalog.missing(described)
    if not missing:
        catalog.write(path / "catalog", described)
    return missing
