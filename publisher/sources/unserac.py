"""The unserAC mirror of the council systems around Aachen: its pages of papers, as HTML or text export, and its listings."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

from publisher.config import Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Fetch
from publisher.record import SCHEMA, Record, Refusal, content_hash
from publisher.sources.options import check_options
from publisher.sources.pages_common import decoded, plain
from publisher.sources.unserac_lines import Line, is_html, lines_of
from publisher.sources.unserac_page import Entry, ledger, mirror
from publisher.sources.unserac_records import objects

__all__ = ["Entry", "booked", "documents", "ledger", "paper_links", "records"]

ENDINGS = (".txt", ".html", ".htm")
NEXT = re.compile(r"(?:nächste(?: seite)?|weiter|ältere(?: vorlagen| beiträge)?|»|›|>>?|next)\s*[»›>]*", re.IGNORECASE)
NOT_PAPERS = re.compile(
    r"/(?:impressum|datenschutz|kontakt|suche|login|tag|kategorie|category|author|feed)\b|\.(?:pdf|jpe?g|png|css|js|xml|ics)$", re.I
)
MOST_PAGES = 10_000


class Document(NamedTuple):
    """One page read: its address or path, and its text."""

    url: str
    text: str


def records(source: Source, fetch: Fetch) -> Iterator[Record | Refusal]:
    """Yield the Body, Organizations, Meetings and Papers of a page, a folder of pages, or a listing and what it leads to.

    Things that several pages name come once. A page that is none of a paper is one Refusal. Raises Malformed if there is nothing to
    read, Unreachable if the source's own address does not answer.
    """
    check_options(source)
    seen: dict[str, dict[str, Any]] = {}
    for document in documents(source, fetch):
        if isinstance(document, Refusal):
            yield document
            continue
        try:
            made = objects(mirror(document.text, document.url), source, document.url)
        except Malformed as error:
            yield Refusal(document.url, error.expected, "Paper", document.url)
            continue
        for obj in made.objects:
            name = obj["type"].removeprefix(SCHEMA)
            if obj["id"] not in seen:
                seen[obj["id"]] = {key: obj[key] for key in ("name", "shortName") if key in obj} | {"hash": content_hash(obj)}
                yield Record(name, obj["id"], document.url, obj, notes=tuple(made.notes) if name == "Paper" else (), raw=obj)
            elif rival := _rival(name, seen[obj["id"]], obj):
                yield Refusal(document.url, rival, name, obj["id"])


def _rival(name: str, first: dict[str, Any], obj: dict[str, Any]) -> str:
    """Return how an object differs from the first of its key, "" if it is the same thing."""
    if name == "Paper" and first["hash"] != content_hash(obj):
        return "two pages of this paper differ; the first stays"
    if any(_bare(first.get(key, "")) != _bare(obj.get(key, first.get(key, ""))) for key in ("name", "shortName")) and name != "Paper":
        return f"two things have one natural key: {first.get('name')!r}, {obj.get('name')!r}; the first stays"
    return ""


def _bare(text: str) -> str:
    return re.sub(r"[\s-]+", " ", plain(text).casefold())


def booked(text: str) -> dict[str, Any]:
    """Return the count of a page's lines: total = used + withheld + each boilerplate rule's + unmapped, exactly."""
    entries = ledger(text)
    states = Counter(entry.state for entry in entries)
    boilerplate = Counter(entry.rule for entry in entries if entry.state == "boilerplate")
    return {
        "total": len(entries), "used": states["used"], "withheld": states["withheld"], "boilerplate": dict(sorted(boilerplate.items())),
        "unmapped": states["unmapped"], "left": [entry.text for entry in entries if entry.state == "unmapped"],
    }  # fmt: skip


def documents(source: Source, fetch: Fetch) -> Iterator[Document | Refusal]:
    """Yield the pages of a source as texts, before anything is read in them."""
    if re.match(r"https?://", source.url):
        yield from _walk(source, fetch)
        return
    path = Path(source.url.removeprefix("file://"))
    files = sorted((file for file in path.rglob("*") if file.suffix.lower() in ENDINGS), key=_natural) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise Malformed(source.url, f"expected a page of the unserAC mirror, or a folder of {', '.join(ENDINGS)} files; there is none")
    for file in files:
        try:
            text = decoded(file.read_bytes())
        except OSError as error:
            yield Refusal(str(file), f"expected a file that can be read; {error.strerror}")
            continue
        if not (path.is_dir() and is_listing(text, file.as_uri() if file.is_absolute() else "file:///" + file.as_posix())):
            yield Document(str(file), text)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _walk(source: Source, fetch: Fetch) -> Iterator[Document | Refusal]:
    """Yield the page at the source's address or, if it is a listing, the pages of its papers along its following pages."""
    url, seen = source.url, {source.url}
    for _ in range(MOST_PAGES):
        page = fetch(url)
        text = decoded(page.body, page.content_type)
        if not is_listing(text, page.url):
            yield Document(page.url, text)
            return
        papers, following = paper_links(text, page.url, str(source.options.get("papers", "")))
        for address in papers:
            if address not in seen:
                seen.add(address)
                yield _page(address, fetch)
        if not following or following in seen:
            return
        seen.add(following)
        url = following
    yield Refusal(url, f"expected an end of the listing within {MOST_PAGES:,} pages")


def _page(url: str, fetch: Fetch) -> Document | Refusal:
    try:
        page = fetch(url)
    except Unreachable as error:
        return Refusal(url, f"expected {error.expected}")
    return Document(page.url, decoded(page.body, page.content_type))


def is_listing(text: str, url: str) -> bool:
    """Tell a listing from a page of a paper: links to pages of the mirror, and no line that names the council's own page."""
    lines = [line for line in lines_of(text) if not line.portal]
    if not is_html(text) or any(line.text.rstrip(": ").lower() == "originaldokument" for line in lines):
        return False
    return len(paper_links(text, url)[0]) > 0


def paper_links(text: str, url: str, papers: str = "") -> tuple[list[str], str]:
    """Return the addresses of papers that a listing leads to, in its order, and that of its next page, "" at the end.

    papers: a pattern that a paper's address holds (options.papers in the TOML); without it every link of the page's main part to the
    same host counts, save those that lead forward, back, or to what is no page of a paper.
    """
    found, following = dict[str, None](), ""
    for line in lines_of(text):
        for link in line.links:
            address = _same_host(link.target, url)
            if not address:
                continue
            if NEXT.fullmatch(link.words):
                following = following or address
            elif re.search(papers, address) if papers else _may_be_paper(line, address, url):
                found[address] = None
    return list(found), following


def _same_host(target: str, url: str) -> str:
    try:
        address = urldefrag(urljoin(url, target))[0]
        same = urlsplit(address)[:2] == urlsplit(url)[:2]
    except ValueError:  # such as "http://[": no address at all
        return ""
    return address if same and address != urldefrag(url)[0] else ""


def _may_be_paper(line: Line, address: str, url: str) -> bool:
    words = " ".join(link.words for link in line.links)
    here = urlsplit(address).path == urlsplit(url).path
    return bool(words) and not words.isdigit() and not here and not line.portal and not NOT_PAPERS.search(address)
