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
from typing import NamedTuple

from publisher.config import Source
from publisher.errors import Malformed
from publisher.fetch import Fetch
from publisher.record import Record, Refusal, content_hash
from publisher.sources.oparl_page import is_oparl, json_of, listed, record

LARGEST = 1 << 30
log = logging.getLogger(__name__)


class Document(NamedTuple):
    """One JSON file: the place for messages, and its bytes."""

    place: str
    body: bytes


def records(source: Source, _fetch: Fetch | None = None) -> Iterator[Record | Refusal]:
    """Yield a Record for each object in the source's folder, archive (.zip, .tar, .tar.gz) or file, in natural order of the names.

    An id that stands there twice with different content comes once, as the later `modified` has it; the other is refused by name.
    Raises Malformed if there is nothing to read or nothing of OParl in it.
    """
    best = _twice(source)
    seen: dict[str, str] = {}
    found = False
    for item in _all(source):
        found = True
        if isinstance(item, Refusal):
            yield item
            continue
        fingerprint = content_hash(item.object)
        if best.get(item.id, fingerprint) != fingerprint:
            yield Refusal(item.url, "the same id stands here with other content, of which the later one is taken", item.type, item.id)
        elif item.id not in seen:
            seen[item.id] = fingerprint
            yield item
    if not found:
        raise Malformed(source.url, "expected OParl objects in .json files; there are none")


def _twice(source: Source) -> dict[str, str]:
    """Return, for each id that stands there with several contents, the hash of the one that counts: latest `modified`, then first."""
    first: dict[str, tuple[str, str]] = {}
    best: dict[str, str] = {}
    for item in _all(source):
        if isinstance(item, Refusal):
            continue
        modified, fingerprint = str(item.object.get("modified", "")), content_hash(item.object)
        known = first.setdefault(item.id, (modified, fingerprint))
        if known[1] != fingerprint:
            if modified > known[0]:
                first[item.id] = (modified, fingerprint)
            best[item.id] = first[item.id][1]
    return best


def _all(source: Source) -> Iterator[Record | Refusal]:
    for document in documents(Path(source.url.removeprefix("file://"))):
        try:
            told, notes = json_of(document.body, document.place)
        except Malformed as error:
            yield Refusal(document.place, error.expected)
            continue
        if not is_oparl(told):
            log.info("%s: JSON, but no OParl in it; left out", document.place)
            continue
        page = listed(told)
        for obj in page.objects:
            yield record(obj, document.place, self_url=page.self, notes=notes)


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
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


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
