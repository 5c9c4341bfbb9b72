"""The fact ledger: what became of each JSON leaf of a source's objects, counted so that the sum is exact."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from publisher.concepts import Concepts, concepts
from publisher.config import Source
from publisher.fetch import Fetch
from publisher.graph.eli import WORDS
from publisher.pipeline.expire import former
from publisher.record import Note, Record, Refusal, parts
from publisher.sources import allris3, allris4, records, unserac
from publisher.sources.normal import normalised

KINDS = ("kept", "normalised", "ignored", "withheld", "unmapped", "refused", "lost")


@dataclass
class Ledger:
    """total: leaves in the source's objects; kinds: how many became what; rules: (kind, rule) -> leaves. The kinds sum up to the total.

    words, unread: (concept scheme, free word) -> how often it stands, and how often no concept is known for it.
    lost: leaves that neither arrived nor were noted; always 0 unless this program is wrong. places: where the first few of each rule were.
    """

    total: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    words: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: Counter[tuple[str, str]] = field(default_factory=Counter)

    def put(self, kind: str, rule: str, place: str, leaves: int = 1) -> None:
        self.total += leaves
        self.kinds[kind] += leaves
        self.rules[kind, rule] += leaves
        self.places.setdefault((kind, rule), place)


def coverage(source: Source, fetch: Fetch, at: str = "") -> Ledger:
    """Read a source without keeping anything and return its ledger: of JSON leaves, or, for pages, of lines of text.

    at: when (RFC 3339), for whose period as a former member has passed; "" leaves that out.
    """
    book, known = Ledger(), concepts("https://example.org")
    if source.kind == "unserac":
        _lines(book, source, fetch)
        return book
    if source.kind in BOOKS:
        _pages(book, source, fetch)
        return book
    for item in records(source, fetch):
        if isinstance(item, Refusal):
            book.put("refused", item.reason, item.url)
        else:
            made = [former(record, source, at) for record in normalised(item, source)]
            _account(book, item, made)
            _words(book, made, known)
    return book


def _words(book: Ledger, made: list[Record], known: Concepts) -> None:
    """Count the free words that have a concept scheme, and those that none of its concepts means."""
    for record in made:
        for one in (record.object, *(part for _, part in parts(record.object))):
            for key, scheme in WORDS.get(one["type"].rsplit("/", 1)[-1], ()):
                text = one.get(key)
                if isinstance(text, str):
                    book.words[scheme, text] += 1
                    if not (known.result(text).understood if scheme == "result" else known.resolve(scheme, text)):
                        book.unread[scheme, text] += 1


def _lines(book: Ledger, source: Source, fetch: Fetch) -> None:
    """Count the lines of pages: used lines are kept, a rule's boilerplate is ignored, and a page that cannot be read is refused."""
    for document in unserac.documents(source, fetch):
        if isinstance(document, Refusal):
            book.put("refused", document.reason, document.url)
            continue
        for entry in unserac.ledger(document.text):
            book.put(FATES[entry.state], entry.rule or entry.state, f"{document.url}:{entry.at} {entry.text[:60]}")


def _pages(book: Ledger, source: Source, fetch: Fetch) -> None:
    """Count the pieces of text of all pages that a walk reads; each page keeps its own books."""
    for item in BOOKS[source.kind](source, fetch):
        if isinstance(item, Refusal):
            book.put("refused", item.reason, item.url)
            continue
        url, lines = item
        rules = [("kept", "used", lines["used"]), ("withheld", "withheld", lines["withheld"]), ("unmapped", "unmapped", lines["unmapped"])]
        for kind, rule, count in [*rules, *(("ignored", rule, count) for rule, count in lines["boilerplate"].items())]:
            if count:
                book.put(kind, rule, url, count)


BOOKS = {"allris3": allris3.books, "allris4": allris4.books}
FATES = {"used": "kept", "boilerplate": "ignored", "withheld": "withheld", "unmapped": "unmapped"}


def _account(book: Ledger, origin: Record, made: list[Record]) -> None:
    """Give each leaf of the object as served its place: as it stands beyond the door, or under the note that names its path."""
    notes = _by_path([note for record in made for note in record.notes])
    arrived = Counter(_plain(path, value) for record in made for path, value in _leaves(record.object))
    for path, value in _leaves(origin.raw if origin.raw is not None else origin.object):
        place = f"{origin.id} {path}"
        kind, rule = notes(path)
        if kind in ("ignored", "withheld", "unmapped"):
            book.put(kind, rule, place)
        elif arrived[_plain(path, value)] > 0:
            arrived[_plain(path, value)] -= 1
            book.put("kept", "as it stood", place)
        elif kind:
            book.put(kind, rule, place)
        else:
            book.put("lost", "neither kept nor noted", place)


def _by_path(notes: list[Note]) -> Any:
    """Return a function: path -> (kind, rule) of the most specific note about it or about what holds it."""
    table = {note.path: (note.kind, note.rule) for note in notes if note.kind != "damage"}

    def of(path: str) -> tuple[str, str]:
        while path:
            if path in table:
                return table[path]
            path = path.rpartition(".")[0]
        return "", ""

    return of


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _plain(path: str, value: Any) -> tuple[str, bytes]:
    """Return what identifies a leaf wherever in its lists it stands: lists are sets, and vendors' keys move into oparlx:extension."""
    words = [word for word in path.split(".") if not word.isdigit() and word != "oparlx:extension"]
    return ".".join(words[-1:]), orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
