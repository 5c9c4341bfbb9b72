"""Atom feeds (RFC 4287) of what is new: papers and meetings of a council, a committee, a place or a search."""

from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)}


class Entry(NamedTuple):
    """One entry. updated, published: RFC 3339 with a zone, from the record. summary: plain text."""

    iri: str
    title: str
    updated: str
    published: str = ""
    summary: str = ""
    category: str = ""
    author: str = ""


def feed(iri: str, title: str, entries: Iterable[Entry], *, page: str = "", lang: str = "de") -> bytes:
    """Return an Atom feed. iri: its address and id; page: the HTML page it belongs to. Same entries, same bytes.

    `updated` is the newest entry's, never the time of asking.
    """
    rows = list(entries)
    newest = max((row.updated for row in rows), default="1970-01-01T00:00:00+00:00")
    out = [
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(lang)}>\n',
        f"<id>{_text(iri)}</id>\n<title>{_text(title)}</title>\n<updated>{_text(newest)}</updated>\n",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(iri)}/>\n',
        f'<link rel="alternate" type="text/html" href={quoteattr(page)}/>\n' if page else "",
        f"<author><name>{_text(title)}</name></author>\n",
        *map(_entry, rows),
        "</feed>\n",
    ]
    return "".join(out).encode()


def _entry(row: Entry) -> str:
    parts = [
        f"<entry>\n<id>{_text(row.iri)}</id>\n<title>{_text(row.title)}</title>\n<updated>{_text(row.updated)}</updated>\n",
        f"<published>{_text(row.published)}</published>\n" if row.published else "",
        f'<link rel="alternate" href={quoteattr(row.iri)}/>\n',
        f"<author><name>{_text(row.author)}</name></author>\n" if row.author else "",
        f"<category term={quoteattr(row.category)}/>\n" if row.category else "",
        f"<summary>{_text(row.summary)}</summary>\n" if row.summary else "",
        "</entry>\n",
    ]
    return "".join(parts)


def _text(text: str) -> str:
    return escape(text.translate(CONTROLS))
