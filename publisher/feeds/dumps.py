"""Dumps of one body: N-Quads, Turtle, OParl as JSON lines, a CSV table a class; cut where the IRIs say, so that the unchanged is copied."""

import gzip
import os
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

import orjson

from publisher.feeds.tables import Rows, header, metadata

MANIFEST = "manifest.json"
MEAN = 8  # records in a chunk: what one changed record makes anew, against what packing so little at once costs (a fifth more bytes)
LEVEL = 5  # of gzip: a tenth more bytes than 6 in two thirds of its time
COPIED = 1 << 20
FORMS = ("nq", "ttl", "jsonl")
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


class Chunk(NamedTuple):
    """Neighbouring records of a body, as they stand in its files.

    start: IRI of the first. rows: class -> rows. sizes: form or class -> bytes in the file of that form, or table of that class.
    data: the same bytes; empty where they are to be copied from the release before.
    """

    start: str
    records: int
    rows: dict[str, int]
    sizes: dict[str, int]
    data: dict[str, bytes]


def opens(iri: str) -> bool:
    """Return whether a record begins a chunk: its IRI alone says so, so that a full build and one of what changed cut alike."""
    return crc32(iri.encode()) % MEAN == 0


def chunk(records: Iterable[tuple[bytes, str]]) -> Chunk:
    """Return the chunk of some records, each as (its JSON, its N-Quads)."""
    rows, count, start = Rows(), 0, ""
    texts: dict[str, list[bytes]] = {form: [] for form in FORMS}
    for json, quads in records:
        obj = orjson.loads(json)
        start, count = start or obj["id"], count + 1
        texts["nq"].append(quads.encode())
        texts["ttl"].append(turtle(quads).encode())
        texts["jsonl"].append(json + b"\n")
        rows.add(obj)
    # Without a time in its header: the same records give the same bytes.
    data = {form: gzip.compress(b"".join(pieces), LEVEL, mtime=0) for form, pieces in texts.items()}
    data |= rows.text()
    return Chunk(start, count, rows.counts, {name: len(piece) for name, piece in data.items()}, data)


def chunks(folder: Path) -> list[Chunk]:
    """Return the chunks of a body's dumps in an earlier release, without their data; none if there are no such dumps, or damaged ones."""
    try:
        noted = orjson.loads(folder.joinpath(MANIFEST).read_bytes())
        for one in noted["files"]:
            if sha256(folder.joinpath(one["title"]).read_bytes()).hexdigest() != one["sha256"]:
                return []  # a copy of damage would be hashed, and called right
        return [Chunk(start, records, rows, sizes, {}) for start, records, rows, sizes in noted["chunks"]]
    except (OSError, ValueError, KeyError):
        return []


def linked(folder: Path, previous: Path, license: str = "") -> list[Dump] | None:
    """Take over the previous release's dumps of a body by hard links and return them; None if there are none with this licence."""
    try:
        noted = orjson.loads(previous.joinpath(MANIFEST).read_bytes())
        found = [Dump(**entry) for entry in noted["files"]] if noted["license"] == license and "chunks" in noted else None
    except (OSError, ValueError, KeyError):
        return None
    if found is not None:
        folder.mkdir(parents=True)
        for path in sorted(previous.iterdir()):
            os.link(path, folder / path.name)
    return found


class _File:
    """One file while it is written: its size and hash, and how far its predecessor was read."""

    def __init__(self, path: Path, old: Path | None) -> None:
        self.bytes, self.digest = 0, sha256()
        self._out: BinaryIO = path.open("wb")
        self._old: BinaryIO | None = old.open("rb") if old and old.is_file() else None

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self.digest.update(data)
        self.bytes += len(data)

    def copy(self, start: int, size: int) -> None:
        if self._old:
            self._old.seek(start)
            while size:
                piece = self._old.read(min(size, COPIED))
                self.write(piece)
                size -= len(piece) or size

    def close(self) -> None:
        self._out.close()
        if self._old:
            self._old.close()


class Files:
    """The dumps of one body while they are written into the new directory `folder` ({release}/dumps/05334)."""

    def __init__(self, folder: Path, previous: Path | None = None, kept: Iterable[Chunk] = ()) -> None:
        """Previous: the same folder of an earlier release, with its chunks, from which those without data are copied, in long runs."""
        folder.mkdir(parents=True)
        self.folder, self.previous = folder, previous
        self.noted: list[tuple[Any, ...]] = []
        self.counts = dict.fromkeys(FORMS, 0)
        self.files: dict[str, _File] = {}
        self.places: dict[str, dict[str, int]] = {}
        self.runs: dict[str, tuple[int, int]] = {}
        ends: dict[str, int] = {}
        for old in kept:
            self.places[old.start] = {name: ends.setdefault(name, len(_head(name))) for name in old.sizes}
            for name, size in old.sizes.items():
                ends[name] += size
        for form in FORMS:
            self._file(form)

    def _file(self, name: str) -> _File:
        if name not in self.files:
            path = self.folder / _name(self.folder, name)
            self.files[name] = _File(path, self.previous and self.previous / _name(self.previous, name))
            self.files[name].write(_head(name))
        return self.files[name]

    def add(self, one: Chunk) -> None:
        """Write the next chunk by IRI."""
        self.noted.append(one[:4])
        for name, rows in (*((form, one.records) for form in FORMS), *one.rows.items()):
            self.counts[name] = self.counts.get(name, 0) + rows
        for name, size in one.sizes.items():
            file = self._file(name)
            if one.data:
                self._flush(name)
                file.write(one.data[name])
                continue
            place = self.places[one.start][name]
            start, length = self.runs.get(name, (place, 0))
            if start + length != place:
                self._flush(name)
                start, length = place, 0
            self.runs[name] = start, length + size

    def _flush(self, name: str) -> None:
        if name in self.runs:
            self.files[name].copy(*self.runs.pop(name))

    def close(self, license: str = "") -> list[Dump]:
        """End the files, describe the tables, note the chunks for the release after, and return the files."""
        for name, file in self.files.items():
            self._flush(name)
            file.close()
        tables = sorted(set(self.files) - set(FORMS))
        for cls in tables:
            self.folder.joinpath(f"{cls}.csv-metadata.json").write_bytes(metadata(cls, f"{cls}.csv", license))
        made = [_dump(self.folder, name, self.counts[name], self.files[name]) for name in (*FORMS, *tables)]
        listed = {"license": license, "files": [dump._asdict() for dump in made], "chunks": self.noted}
        self.folder.joinpath(MANIFEST).write_bytes(orjson.dumps(listed) + b"\n")
        return made


def _name(folder: Path, name: str) -> str:
    return f"{folder.name}.{name}.gz" if name in FORMS else f"{name}.csv"


@cache
def _head(name: str) -> bytes:
    if name in FORMS:
        text = "".join(f"@prefix {prefix}: <{space}> .\n" for prefix, space in PREFIXES.items()) if name == "ttl" else ""
        return gzip.compress(text.encode(), LEVEL, mtime=0)  # a file of no records is still one that can be unpacked
    return header(name)


def _dump(folder: Path, name: str, count: int, file: _File) -> Dump:
    title = _name(folder, name)
    form, packed = (name, "gzip") if name in FORMS else ("csv", "")
    return Dump(f"dumps/{folder.name}/{title}", form, file.bytes, file.digest.hexdigest(), packed, title, count)


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
