"""What a release holds beside its store: search index, dumps, event stream, sitemaps, VoID, catalogue."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from publisher import catalog, search
from publisher.concepts import concepts
from publisher.errors import Misconfigured
from publisher.feeds import dumps, sitemap, stream
from publisher.graph.mapper import quads
from publisher.journal.reader import Event, Reader
from publisher.ontology import VERSION
from publisher.pipeline.layers import Served, layers
from publisher.store import Store
from publisher.store.description import void

CATALOG_KEYS = dict.fromkeys(("title", "publisher", "contact", "license", "contributor", "homepage", "frequency"), str)
KIND = {str: "a text", int: "a whole number"}
Body = tuple[str, str, str, list[dumps.Dump]]


def furnished(path: Path, reader: Reader, store: Store, home: Path, previous: Path | None, *, anew: bool) -> list[str]:
    """Write everything derived into the staged release at `path`; return what has to be configured for a catalogue.

    `previous`: the release before, whose unchanged files are hard-linked; its dumps not if all is made `anew`.
    """
    documents = ((found.iri, found.type, found.body, orjson.loads(found.json)) for found in reader.owners())
    search.build(path / "search", documents)
    bodies = _dumped(path, reader, None if anew else previous)
    (path / "void.ttl").write_text(void(store, reader.base, [f"{reader.base}/{one.path}" for body in bodies for one in body[3]]), "utf-8")
    _streamed(path, reader, previous, home)
    pages = ((found.iri, found.modified) for found in reader.owners())
    sitemap.write(path / "sitemap", reader.base, pages, previous and previous / "sitemap")
    (path / "robots.txt").write_text(sitemap.robots(reader.base), "utf-8")
    return _catalogued(path, reader, home, bodies)


def _dumped(path: Path, reader: Reader, previous: Path | None) -> list[Body]:
    """Make each body's dumps, or link the previous release's where none of its records changed."""
    made: list[Body] = []
    lookup, known = Served(reader), concepts(reader.base)
    (path / "dumps").mkdir()
    for body in reader.bodies():
        obj = orjson.loads(body.json)
        key = body.iri.removeprefix(f"{reader.base}/id/").replace("/", "-")
        mark = dumps.fingerprint(reader.hashes(body.iri), VERSION)
        folder = path / "dumps" / key
        files = dumps.linked(folder, previous / "dumps" / key, mark) if previous else None
        if files is None:
            records = reader.owners(body=body.iri)
            files = dumps.write(folder, records, lambda one: layers(one, lookup, known).decode(), mark=mark, license=obj.get("license", ""))
        made.append((body.iri, str(obj.get("name", key)), str(obj.get("license", "")), files))
    (path / "dumps" / "manifest.json").write_bytes(dumps.manifest(reader.base, reader.release, made))
    (path / "dumps" / "SHA256SUMS").write_text(dumps.checksums(made), "utf-8")
    return made


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
    if not path.is_file():
        return {}
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from error
    for key, value in told.items():
        if type(value) is not known.get(key):
            expected = ", ".join(f"{name} ({KIND[kind]})" for name, kind in known.items())
            raise Misconfigured(f"{path}: {key} = {value!r}: expected {expected}")
    return told
