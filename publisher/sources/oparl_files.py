"""A folder, archive or single file of OParl JSON, 1.0 or 1.1, as records: one for each top-level object."""

import gzip
import logging
import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from publisher.config import Source
from publisher.errors import Malformed
from publisher.fetch import Fetch
from publisher.record import Note, Record, Refusal, content_hash
from publisher.sources.links import LISTS
from publisher.sources.oparl_page import Origin, is_oparl, json_of, listed, readdressed, record, type_of
from publisher.sources.options import check_options
from publisher.sources.private import Addresses
from publisher.sources.repairs import dialect_of
from publisher.sources.seen import PARTS, Seen, embedded, facts_hash

LARGEST = 1 << 28
log = logging.getLogger(__name__)


class Document(NamedTuple):
    """One JSON file: the place for messages, and its bytes."""

    place: str
    body: bytes


class Folder(NamedTuple):
    """What a first look over all files finds: the product, the list and id of an only body, whose each list is, the hash that counts of
    an id that stands there twice, and which objects are embedded in others (hash of the id -> hash of what is said there);
    addresses: where persons' withheld keys lead."""

    dialect: str
    body_list: str
    body: str
    owners: dict[str, str]
    best: dict[str, str]
    embedded: dict[int, int]
    addresses: Addresses


def records(source: Source, _fetch: Fetch | None = None) -> Iterator[Record | Refusal]:
    """Yield a Record for each object in the source's folder, archive (.zip, .tar, .tar.gz) or file, in natural order of the names.

    An object that another one embeds does not come once more by itself. An id that stands there twice with different content comes
    once, as the later `modified` has it; the other is refused by name. Raises Malformed if there is nothing of OParl to read.
    """
    check_options(source)
    look = _look(source)
    seen = Seen()
    found = False
    for obj, origin in _objects(source):
        found = True
        if isinstance(obj, Refusal):
            yield obj
            continue
        url = str(obj.get("id")) if isinstance(obj, dict) else ""
        if url in look.best and look.best[url] != content_hash(obj):
            reason = "the same id stands here with other content, of which the later one is taken"
            yield Refusal(origin.place, reason, type_of(obj), url)
        else:
            if url and hash(url) in look.embedded and type_of(obj) in PARTS:
                if look.embedded[hash(url)] == facts_hash(obj):
                    continue
                origin = origin._replace(notes=(*origin.notes, Note("damage", "listed_otherwise_than_embedded", "")))
            owner = look.owners.get(origin.self_url.partition("?")[0], "")
            origin = origin._replace(
                dialect=look.dialect, body_list=look.body_list, body=look.body, owner=owner, files=source.options.get("files", {})
            )
            item = record(obj, origin)
            yield from seen.once(look.addresses.bare(item) if isinstance(item, Record) else item, origin.place)
    if not found:
        raise Malformed(source.url, "expected OParl objects in .json files; there are none")


def _look(source: Source) -> Folder:
    """Return what all files together tell: each is read once here and once more for its records, so that memory stays flat."""
    first: dict[str, tuple[str, str]] = {}
    best: dict[str, str] = {}
    dialects: dict[str, str] = {}
    body_lists, bodies, owners = dict[str, None](), dict[str, None](), dict[str, str]()
    inner, addresses = dict[int, int](), Addresses(source)
    for obj, _ in _objects(source):
        if not isinstance(obj, dict) or not isinstance(url := obj.get("id"), str):
            continue
        kind, modified, fingerprint = type_of(obj), str(obj.get("modified", "")), content_hash(obj)
        for _, part in embedded(obj):
            inner.setdefault(hash(part["id"]), facts_hash(part))
        if kind == "Person":
            addresses.meet(obj)
        if not dialects.get(kind):
            dialects[kind] = dialect_of(obj)
        if kind == "System":
            body_lists[str(obj.get("body", ""))] = None
        elif kind == "Body":
            bodies[url] = None
            owners |= {value.partition("?")[0]: url for key in LISTS["Body"] if isinstance(value := obj.get(key), str)}
        known = first.setdefault(url, (modified, fingerprint))
        if known[1] != fingerprint:
            if modified > known[0]:
                first[url] = (modified, fingerprint)
            best[url] = first[url][1]
    dialect = next(filter(None, (dialects.get(kind) for kind in ("System", *sorted(dialects)))), "")
    alone = len(body_lists) == len(bodies) == 1
    return Folder(
        str(source.options.get("dialect", dialect)),
        next(iter(body_lists)) if alone else "",
        next(iter(bodies)) if len(bodies) == 1 else "",
        owners,
        best,
        inner,
        addresses,
    )


def _objects(source: Source) -> Iterator[tuple[Any, Origin]]:
    """Yield each object of each file with its origin; a file that is no JSON as one Refusal. A file without OParl is only logged."""
    for document in documents(Path(source.url.removeprefix("file://"))):
        try:
            body, moves = readdressed(document.body, source.options.get("same", {}))
            told, notes = json_of(body, document.place)
        except Malformed as error:
            yield Refusal(document.place, error.expected), Origin(document.place)
            continue
        if not is_oparl(told):
            log.info("%s: JSON, but no OParl in it; left out", document.place)
            continue
        page, notes = listed(told), notes + moves
        for obj in page.objects:
            yield obj, Origin(document.place, page.self, "", notes)
            notes = ()


def documents(path: Path) -> Iterator[Document]:
    """Yield each .json file under a folder or in an archive, sorted with numbers counted; or the one file. Raises Malformed."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json"), key=lambda file: natural(str(file.relative_to(path)))):
            yield Document(str(file), _read(file))
    elif zipfile.is_zipfile(path):
        yield from _zipped(path)
    elif path.is_file() and re.search(r"\.(tar|tar\.gz|tgz)$", path.name):
        yield from _tarred(path)
    elif path.is_file():
        yield Document(str(path), _read(path))
    else:
        raise Malformed(str(path), "expected a folder, an archive or a file of OParl JSON; there is none")


def natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key in which "page=10" comes after "page=9"."""
    return [(int(part), "") if part.isdecimal() and len(part) < 19 else (-1, part) for part in re.split(r"(\d+)", name)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Malformed(str(path), f"expected a file that can be read: {error}") from error


def _zipped(path: Path) -> Iterator[Document]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda member: natural(member.filename)):
                if member.filename.endswith(".json"):
                    place = f"{path}!{member.filename}"
                    if member.file_size > LARGEST:
                        raise Malformed(place, f"expected at most {LARGEST:,} bytes")
                    yield Document(place, archive.read(member))
    except (zipfile.BadZipFile, OSError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise Malformed(str(path), f"expected a sound zip archive: {error}") from error


def _tarred(path: Path) -> Iterator[Document]:
    try:
        with tempfile.TemporaryFile() as plain:
            with path.open("rb") if path.suffix == ".tar" else gzip.open(path) as packed:
                shutil.copyfileobj(packed, plain)
            plain.seek(0)
            with tarfile.open(fileobj=plain) as archive:
                for member in sorted(archive.getmembers(), key=lambda member: natural(member.name)):
                    stream = archive.extractfile(member) if member.isfile() and member.name.endswith(".json") else None
                    if stream:
                        yield Document(f"{path}!{member.name}", stream.read(LARGEST))
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise Malformed(str(path), f"expected a sound tar archive: {error}") from error
