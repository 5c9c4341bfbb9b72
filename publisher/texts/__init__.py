"""The texts of files, taken out of their PDFs where the operator wants it: kept beside the journal, searched, never published."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.errors import Malformed, Misconfigured
from publisher.record import parts

SECONDS = 60  # for one file, of wall time; the child bounds its own processor time and memory as well
LIBRARY = "pypdfium2"
CHILD = Path(__file__).with_name("pdf.py")
OWNERS = ("Paper", "Meeting", "File")


class Text(NamedTuple):
    """What was found at the address of a file. mark: what the source says of the file's state; text: "" where there is none.

    state: text | dead (404, 410) | fault; fault: why there is no text.
    """

    url: str
    mark: str
    at: str
    state: str
    text: str = ""
    fault: str = ""


class Line(NamedTuple):
    """One line of the log: when an address of an owner's file was read, and what was found."""

    at: str
    state: str
    url: str
    owner: str


class Shelf:
    """The texts in {home}/texts: a file an address, and a log of what was read when, from which a build knows what is new."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "texts"
        self._log = self.folder / "log.tsv"

    def _place(self, url: str) -> Path:
        name = sha256(url.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"

    def get(self, url: str) -> Text | None:
        """Return what is known of an address, None if it was never read."""
        try:
            return Text(**orjson.loads(self._place(url).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, owner: str, text: Text) -> None:
        """Keep what was found at an address of one of the owner's files."""
        path = self._place(text.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_bytes(orjson.dumps(text._asdict()))
        path.with_suffix(".new").replace(path)
        with self._log.open("a", encoding="utf-8") as log:
            log.write("\t".join((text.at, text.state, text.url, owner)) + "\n")

    def lines(self) -> Iterator[Line]:
        """Yield the log, oldest first."""
        if self._log.is_file():
            with self._log.open(encoding="utf-8") as log:
                for row in log:
                    found = row.rstrip("\n").split("\t")
                    if len(found) == 4:  # a line that a kill cut off says nothing
                        yield Line(*found)

    def changed(self, since: str) -> list[str]:
        """Return the owners of whose files something was read at or after `since` (RFC 3339), by IRI."""
        return sorted({line.owner for line in self.lines() if line.at >= since})

    def dead(self) -> dict[str, str]:
        """Return address -> owner of the files whose links led nowhere when they were read last."""
        newest = {line.url: line for line in self.lines()}
        return {url: line.owner for url, line in newest.items() if line.state == "dead"}

    def remove(self, owner: str, urls: set[str]) -> None:
        """Forget the texts of an owner's files."""
        for url in urls:
            self._place(url).unlink(missing_ok=True)
        if self._log.is_file():
            kept = [line for line in self.lines() if line.owner != owner and line.url not in urls]
            self._log.write_text("".join("\t".join(line) + "\n" for line in kept), "utf-8")


def files_of(obj: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (address, file) of the PDFs of a record of which the source gives no text itself."""
    for one in (dict(obj), *(part for _, part in parts(dict(obj)))):
        url = str(one.get("downloadUrl") or one.get("accessUrl") or "")
        named = str(one.get("mimeType", "")).lower(), str(one.get("fileName") or url).lower()
        pdf = "pdf" in named[0] or (not named[0] and named[1].partition("?")[0].endswith(".pdf"))
        if one.get("type", "").endswith("/File") and pdf and not one.get("text") and url.startswith(("http://", "https://")):
            yield url.replace("\t", "%09").replace("\n", "%0A"), one


def mark_of(file: Mapping[str, Any]) -> str:
    """Return what the source says of a file's state; where it says something else than before, the file is read again."""
    return " ".join(str(file.get(key, "")) for key in ("modified", "size", "sha1Checksum", "sha512Checksum", "date")).strip()


def with_texts(obj: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
    """Return a record with the texts of its files put in, for the search index alone; what is published stays as it is."""
    for url, file in files_of(obj):
        if (found := shelf.get(url)) and found.text:
            file["text"] = found.text
    return obj


def ready() -> None:
    """Raise Misconfigured unless PDFs can be read here."""
    if find_spec(LIBRARY) is None:
        raise Misconfigured(f"files_a_run: reading PDFs needs {LIBRARY}: pip install 'council-records-publisher[pdf]'")


def extracted(pdf: bytes, place: str, seconds: float = SECONDS) -> str:
    """Return the text of a PDF, read in a process of its own, since a hostile file may crash or never end. Raises Malformed."""
    child = subprocess.Popen([sys.executable, "-I", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        told, wrong = child.communicate(pdf, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        child.kill()
        child.communicate()
        raise Malformed(place, f"expected a PDF that can be read in {seconds:.0f} s") from error
    if child.returncode:
        reason = wrong.decode("utf-8", "replace").strip().rpartition("\n")[2][:200] or f"its reader ended with {child.returncode}"
        raise Malformed(place, f"expected a PDF with text that can be read: {reason}")
    return told.decode("utf-8", "replace").strip()
