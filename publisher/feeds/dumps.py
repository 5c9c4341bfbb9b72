"""Dumps of one body: N-Quads, Turtle, OParl as JSON lines, a CSV table a class; made once at build, linked while unchanged."""

import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.feeds import Item
from publisher.feeds.tables import Tables, metadata

MANIFEST = "manifest.json"
PREFIXES = {
    "oparl": "https://schema.oparl.org/1.1/",
    "oparlx": "https://w3id.org/oparl-ld/ns#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "schema": "http://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


class Dump(NamedTuple):
    """One file. path: below {base}/. format: nq | ttl | jsonl | csv. packed: "gzip" | "". records: records or rows in it."""

    path: str
    format: str
    bytes: int
    sha256: str
    packed: str
    title: str
    records: int


def fingerprint(pairs: Iterable[tuple[str, str]], *more: str) -> str:
    """Return what tells whether a body's dumps are still right: SHA-256 over (IRI, hash) of its records and `more` (versions of tools)."""
    digest = sha256("\0".join(more).encode())
    for iri, content in sorted(pairs):
        digest.update(f"\n{iri} {content}".encode())
    return digest.hexdigest()


def write(
    folder: Path,
    records: Iterable[Item],
    quads: Callable[[dict[str, Any]], str],
    *,
    mark: str,
    license: str = "",
) -> list[Dump]:
    """Write the dumps of one body's live records into the new directory `folder` ({release}/dumps/05334); return them.

    quads: gives a record's N-Quads. mark: the records' `fingerprint`, kept in manifest.json for `linked`. Records must come
    by IRI for the same bytes each time; memory does not grow with them.
    """
    folder.mkdir(parents=True)
    name, count = folder.name, 0
    with (
        Tables(folder) as tables,
        _packed(folder / f"{name}.nq.gz") as nq,
        _packed(folder / f"{name}.ttl.gz") as ttl,
        _packed(folder / f"{name}.jsonl.gz") as lines,
    ):
        ttl.write("".join(f"@prefix {prefix}: <{space}> .\n" for prefix, space in PREFIXES.items()).encode())
        for record in records:
            obj = orjson.loads(record.json)
            text = quads(obj)
            nq.write(text.encode())
            ttl.write(turtle(text).encode())
            lines.write(record.json + b"\n")
            tables.add(obj)
            count += 1
    for cls in tables.rows:
        folder.joinpath(f"{cls}.csv-metadata.json").write_bytes(metadata(cls, f"{cls}.csv", license))
    made = [_dump(folder / f"{name}.{form}.gz", form, "gzip", count) for form in ("nq", "ttl", "jsonl")]
    made += [_dump(folder / f"{cls}.csv", "csv", "", rows) for cls, rows in sorted(tables.rows.items())]
    _note(folder, mark, made)
    return made


def linked(folder: Path, previous: Path, mark: str) -> list[Dump] | None:
    """Take over the previous release's dumps by hard links if their fingerprint is `mark`, and return them; else None."""
    try:
        noted = orjson.loads(previous.joinpath(MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    if noted.get("fingerprint") != mark:
        return None
    folder.mkdir(parents=True)
    for path in sorted(previous.iterdir()):
        os.link(path, folder / path.name)
    return [Dump(**entry) for entry in noted["files"]]


@contextmanager
def _packed(path: Path) -> Iterator[gzip.GzipFile]:
    # Without name and time in its header: the same records give the same bytes.
    with path.open("wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed:
        yield packed


def _dump(path: Path, form: str, packed: str, count: int) -> Dump:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    where = f"dumps/{path.parent.name}/{path.name}"
    return Dump(where, form, path.stat().st_size, digest.hexdigest(), packed, path.name, count)


def _note(folder: Path, mark: str, made: list[Dump]) -> None:
    noted = {"fingerprint": mark, "files": [dump._asdict() for dump in made]}
    folder.joinpath(MANIFEST).write_bytes(orjson.dumps(noted, option=orjson.OPT_INDENT_2) + b"\n")


def manifest(base: str, release: int, bodies: Iterable[tuple[str, str, str, list[Dump]]]) -> bytes:
    """Return {release}/dumps/manifest.json for (body IRI, name, license, dumps) of each body: addresses, sizes, checksums."""
    described = [
        {
            "body": iri,
            "name": name,
            "license": license,
            "files": [dump._asdict() | {"url": f"{base}/{dump.path}"} for dump in dumps],
        }
        for iri, name, license, dumps in bodies
    ]
    return orjson.dumps({"release": release, "bodies": described}, option=orjson.OPT_INDENT_2) + b"\n"


def checksums(bodies: Iterable[tuple[str, str, str, list[Dump]]]) -> str:
    """Return {release}/dumps/SHA256SUMS, as sha256sum --check reads it from inside dumps/."""
    return "".join(f"{dump.sha256}  {dump.path.removeprefix('dumps/')}\n" for _, _, _, dumps in bodies for dump in dumps)


def turtle(nquads: str) -> str:
    """Return N-Quads without their graph, grouped by runs of one subject, known predicates by prefix; IRIs only, no blank nodes."""
    out, subject = [], ""
    for mine, predicate, value in _statements(nquads):
        out.append(f"{' ;' if mine == subject else f' .{chr(10)}{mine}' if subject else mine}\n  {_short(predicate)} {value}")
        subject = mine
    return "".join(out) + (" .\n" if out else "")


def _statements(nquads: str) -> Iterator[tuple[str, str, str]]:
    for line in nquads.split("\n"):
        if line:
            subject, predicate, rest = line.split(" ", 2)
            yield subject, predicate, rest.rsplit(" ", 2)[0]


@cache
def _short(predicate: str) -> str:
    iri = predicate[1:-1]
    found = next(((prefix, iri[len(space) :]) for prefix, space in PREFIXES.items() if iri.startswith(space)), None)
    return "a" if found == ("rdf", "type") else f"{found[0]}:{found[1]}" if found and found[1].isalpha() else predicate
