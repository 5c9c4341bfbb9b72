"""What a release holds beside its store: search index, dumps, event stream, sitemaps, VoID, catalogue."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher import catalog, search
from publisher.config import toml
from publisher.errors import Misconfigured
from publisher.feeds import dumps, sitemap, stream
from publisher.graph.mapper import quads
from publisher.journal.reader import Event, Found, Reader
from publisher.ontology import VERSION
from publisher.pipeline.hands import Desk, Hands
from publisher.pipeline.rendering import Body
from publisher.store import Store
from publisher.store.description import counted, void
from publisher.texts import Shelf, with_texts

CATALOG_KEYS = dict.fromkeys(("title", "publisher", "contact", "license", "contributor", "homepage", "frequency"), str)
KIND = {str: "a text", int: "a whole number"}


class Furnishing(NamedTuple):
    """What is furnished: the staged release, the release before (None if all is made anew), and the records changed since."""

    path: Path
    home: Path
    previous: Path | None
    anew: bool
    changed: list[str]


def furnished(hands: Hands, work: Furnishing) -> list[Callable[[], None]]:
    """Begin with what needs no more than the records, beside the build where that is worth it; return what waits for the end of each."""
    return [hands.soon(each, work) for each in (searchable, streamed)]


def searchable(desk: Desk, work: Furnishing) -> None:
    """Write the search index: the previous one's segments, less what changed, and what is there of that."""
    reader, before = desk.reader, work.previous / "search" if work.previous and not work.anew else None
    shelf = Shelf(work.home)
    changed = sorted({*work.changed, *(shelf.changed(_made(work.previous)) if before else ())})
    if before is None or not search.continued(work.path / "search", before, changed, _documents(reader, changed, shelf)):
        search.build(work.path / "search", (_document(one, shelf) for one in reader.owners()))
    (work.path / "dead.json").write_bytes(orjson.dumps(shelf.dead()))


def _made(previous: Path | None) -> str:
    """Return when a release was made."""
    return str(orjson.loads((previous / "manifest.json").read_bytes()).get("made", "")) if previous else ""


def _documents(reader: Reader, iris: Iterable[str], shelf: Shelf) -> Iterator[search.Entry]:
    for iri in iris:
        found = reader.get(iri)
        if found and not found.deleted and found.iri == found.owner:
            yield _document(found, shelf)


def _document(found: Found, shelf: Shelf) -> search.Entry:
    return found.iri, found.type, found.body, with_texts(orjson.loads(found.json), shelf)


def streamed(desk: Desk, work: Furnishing) -> None:
    """Write the event stream, the sitemap and robots.txt."""
    reader = desk.reader
    _streamed(work.path, reader, work.previous, work.home)
    pages = desk.written.pages()
    sitemap.write(work.path / "sitemap", reader.base, pages, work.previous and work.previous / "sitemap")
    (work.path / "robots.txt").write_text(sitemap.robots(reader.base), "utf-8")


def described(reader: Reader, store: Store, work: Furnishing, bodies: list[Body]) -> list[str]:
    """Describe the dumps of the bodies, the dataset and the catalogue; return what has to be configured for a catalogue."""
    path = work.path
    made = [(body.iri, body.name, body.license, body.files) for body in bodies]
    (path / "dumps" / "manifest.json").write_bytes(dumps.manifest(reader.base, reader.release, made))
    (path / "dumps" / "SHA256SUMS").write_text(dumps.checksums(made), "utf-8")
    addresses = [f"{reader.base}/{one.path}" for body in bodies for one in body.files]
    (path / "void.ttl").write_text(void(store.counts or counted(store), reader.base, addresses), "utf-8")
    return _catalogued(path, reader, work.home, bodies)


def _streamed(path: Path, reader: Reader, previous: Path | None, home: Path) -> None:
    days = _settings(home / "stream.toml", {"days": int}).get("days", 0)
    cut = stream.Stream(
        reader.base, f"{reader.base}/ontology/context/{VERSION}.jsonld", reader.generation, days=max(days, 0), at=reader.made
    )
    stream.write(path / "stream", cut, lambda after: _events(reader, after), quads, previous and previous / "stream")


def _events(reader: Reader, after: int) -> Iterator[Event]:
    while events := reader.events(after, 1000):
        yield from events
        after = events[-1].seq


def _catalogued(path: Path, reader: Reader, home: Path, bodies: list[Body]) -> list[str]:
    """Write the catalogue if all that it must say is known; return what is missing otherwise. Never an invalid one."""
    told = _settings(home / "catalog.toml", CATALOG_KEYS)
    sources = {one["jurisdiction"]: one for one in reader.sources()}
    first: dict[str, Any] = next(iter(sources.values()), {})
    datasets = tuple(_dataset(reader, body, sources, told) for body in bodies)
    description = catalog.Description(
        base=reader.base,
        title=told.get("title") or "Ratsinformationen als offene Daten",
        publisher=told.get("publisher") or first.get("publisher", ""),
        contact=told.get("contact") or first.get("contact", ""),
        license=told.get("license") or first.get("license", ""),
        datasets=datasets,
        **{key: told[key] for key in ("contributor", "homepage", "frequency") if key in told},
    )
    missing = catalog.missing(description)
    if not missing:
        catalog.write(path / "catalog", description)
    return missing


def _dataset(reader: Reader, body: Body, sources: dict[str, dict[str, Any]], told: dict[str, str]) -> catalog.Dataset:
    iri, name, license, files = body
    found = reader.get(iri)
    obj: dict[str, Any] = orjson.loads(found.json) if found else {}
    key = iri.removeprefix(f"{reader.base}/id/").split("/")[0]
    source = sources.get(key, {})
    days = reader.span(iri)
    return catalog.Dataset(
        iri=iri,
        name=name,
        key=obj.get("ags") or key,
        publisher=source.get("publisher") or told.get("publisher") or name,
        contact=source.get("contact") or told.get("contact") or obj.get("contactEmail", ""),
        license=license or source.get("license") or told.get("license", ""),
        attribution=source.get("attribution", ""),
        homepage=obj.get("website", ""),
        source=source.get("url", "") if str(source.get("url", "")).startswith("http") else "",
        issued=days["issued"],
        modified=days["modified"],
        start=days["start"],
        end=days["end"],
        counts={cls: live for cls, (live, _) in reader.counts(iri).items()},
        files=tuple(catalog.File(one.path, one.format, one.bytes, one.sha256, one.packed, one.title) for one in files),
    )


def _settings(path: Path, known: Mapping[str, type]) -> dict[str, Any]:
    """Return a TOML file of the home, {} if there is none. Raises Misconfigured naming the key and what was expected."""
    told = toml(path)
    for key, value in told.items():
        if type(value) is not known.get(key):
            expected = ", ".join(f"{name} ({KIND[kind]})" for name, kind in known.items())
            raise Misconfigured(f"{path}: {key} = {value!r}: expected {expected}")
    return told
